"""Real tensors on a GPU, and Triton itself: nothing is patched but what recording needs. PYTEST_DONT_REWRITE

Calls that are not watched run as they would anywhere, but that an autotuned kernel takes the configuration of its plan
where Triton would time all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from triton.runtime.autotuner import Autotuner
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from pytest_kernelfalcon.judge.launch_plan import Bounds
from pytest_kernelfalcon.judge.roles.conforming.acting import Acting
from pytest_kernelfalcon.judge.roles.conforming.plainly import Plainly
from pytest_kernelfalcon.judge.roles.conforming.shown import Shown
from pytest_kernelfalcon.judge.roles.cuda.blobs import Device
from pytest_kernelfalcon.judge.roles.tracing import cuda_shims, torch_side, triton_side
from pytest_kernelfalcon.judge.roles.tracing.torch_side import CUDA, Dispatch

FIGURES = ("get_device_capability", "get_device_name", "get_device_properties")
"""What a grid may hang on: while it is watched, a wrapper is told of the device that its plan was made for."""


class Gpu:
    """The GPU that this process sees first."""

    place = Device()
    records = False

    def begin(self, job: dict[str, Any], loaded: dict[str, Any], shown: Shown, plainly: Plainly | None) -> Acting:
        torch.zeros(1, device="cuda")  # starts CUDA
        recorder = Acting()
        torch_side.HOME.device, torch_side.HOME.holds = CUDA, lambda tensor: tensor.is_cuda
        if "autotune" in job["source"]:
            triton_side.pin(recorder)
        if plainly is None:
            _record(recorder, shown)
        return recorder

    @contextmanager
    def _in(self, recorder: Acting, watched: bool) -> Iterator[None]:
        with ExitStack() as stack:
            if watched:
                stack.enter_context(Seen(recorder))
            stack.enter_context(torch.no_grad())
            yield

    def around(self, recorder: Acting, watched: bool) -> AbstractContextManager[object]:
        return self._in(recorder, watched)

    def settle(self) -> None:
        torch.cuda.synchronize()


def _record(recorder: Acting, shown: Shown) -> None:
    """From now on launches are noted before Triton makes them."""
    launch = JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool = False, **kwargs: Any) -> Any:
        if warmup:
            return triton_side.Compiled(recorder)
        if detail := shown.differs(self):
            recorder.emit("other", detail=detail, line=recorder.line())
        bound, options = triton_side.bind(self, args, kwargs)
        triton_side.note(recorder, self, grid, bound, options)
        recorder.inside = True
        try:
            return launch(self, *args, grid=grid, warmup=False, **kwargs)
        finally:
            recorder.inside = False

    JITFunction.run = run
    Autotuner.warmup = lambda self, *args, **kwargs: [triton_side.Compiled(recorder)]
    for name in FIGURES:
        setattr(torch.cuda, name, cuda_shims.ANSWERS[name])
    driver.active.utils.get_device_properties = triton_side.Driver.utils.get_device_properties


class Seen(Dispatch):  # type: ignore[no-untyped-call]
    """The device's own operations. A few scalars that leave it are the read of a plan, whatever function asks."""

    recorder: Acting

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        device = kwargs.get("device")
        if device is not None and torch.device(device).type == "cuda":
            kwargs["device"] = CUDA
        leaves = func is torch.ops.aten._to_copy.default and device is not None and torch.device(device).type == "cpu"
        if leaves and args[0].is_cuda and args[0].numel() <= Bounds.reads:
            self.recorder.emit("read", tensor=self.recorder.spec(args[0]), line=self.recorder.line())
            return func(*args, **kwargs)
        return super().__torch_dispatch__(func, types, args, kwargs)
