"""A recorder that does what it is told of: tensors have memory here, and kernels are run. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from pytest_kernelfalcon.judge.launch_plan import Bounds
from pytest_kernelfalcon.judge.roles.tracing.recorder import Recorder

FILE = "kernel.py"


@contextmanager
def unwatched() -> Iterator[None]:
    """Our own work on tensors: neither recorded nor answered as a wrapper's."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        yield


class Acting(Recorder):
    """heard: the messages of a call, as the executor notes a tracer's. run: does a launch; its message has been noted.

    idle: launches are noted and not made. inside: within Triton's own launching, where allocations are not the
    wrapper's.
    """

    def __init__(self, run: Callable[[Acting, dict[str, Any]], None] | None = None) -> None:
        super().__init__(FILE)
        self.heard: list[str] = []
        self.idle, self.inside = False, False
        self._run = run

    def begin(self) -> None:
        super().begin()
        self.heard = []

    def emit(self, op: str, **fields: Any) -> None:
        if not (self.inside and op in ("alloc", "fill", "copy")) and len(self.heard) <= Bounds.messages:
            self.heard.append(json.dumps({"op": op, **fields}))
        with unwatched():
            if op == "fill":
                self.view(fields["tensor"]).fill_(fields["value"])
            elif op == "copy":
                self.view(fields["target"]).copy_(self.view(fields["source"]))
            elif op == "launch" and self._run is not None and not self.idle:
                self._run(self, fields)

    def values(self, tensor: torch.Tensor) -> Any:
        with unwatched():
            return tensor.tolist()

    def view(self, spec: dict[str, Any]) -> torch.Tensor:
        """The tensor of a message."""
        base = self._alive[spec["storage"]]
        tensor = torch.empty(0, dtype=getattr(torch, spec["dtype"]), device=base.device)
        return tensor.set_(base.untyped_storage(), spec["offset"], spec["shape"], spec["stride"])

    def storages(self) -> list[torch.Tensor]:
        """One tensor of each storage of this call, in their order."""
        return list(self._alive)

    def holds(self, tensor: torch.Tensor) -> bool:
        """Whether it lies in a storage of this call. It has a storage."""
        return tensor.untyped_storage()._cdata in self._numbers

    def spec(self, tensor: torch.Tensor) -> dict[str, Any]:
        with torch._C.DisableTorchFunction():
            return super().spec(tensor)
