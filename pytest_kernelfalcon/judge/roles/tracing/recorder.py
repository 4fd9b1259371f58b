"""What a wrapper does becomes messages of the launch plan. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import torch

from pytest_kernelfalcon.contracts.causes import Cause, explain
from pytest_kernelfalcon.judge.wire import Channel


class Refused(RuntimeError):
    """The wrapper did something that has no message. It was told before it was raised, so catching it is in vain."""


class Recorder:
    """What one candidate does. By itself it tells nobody: `emit` and `values` are for those that do.

    path: the candidate's file name, by which its frames are known. pick: the autotune configuration to use. made: names
    of the tensors that a `ModelNew` made for itself, by their storages.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.pick = 0
        self.made: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._alive: list[torch.Tensor] = []

    def line(self) -> int | None:
        """The candidate's line that is being executed."""
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno if frame is not None else None

    def line_of(self, error: BaseException) -> int | None:
        """The candidate's line that raised."""
        if isinstance(error, SyntaxError) and error.filename == self.path:
            return error.lineno
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == self.path]
        return lines[-1] if lines else None

    def emit(self, op: str, **fields: Any) -> None:
        """One message."""

    def values(self, tensor: torch.Tensor) -> Any:
        """The values of a device tensor, as `tolist()` gives them."""
        raise Refused("kernelfalcon: this call has no values")

    def refuse(self, cause: Cause, **facts: object) -> NoReturn:
        line = self.line()
        self.emit("refuse", cause=cause.value, facts=facts, line=line)
        raise Refused(f"kernelfalcon: {explain(cause, **facts)} (line {line})")

    def read(self, tensor: torch.Tensor) -> Any:
        """The values of a small device tensor, which is told of."""
        self.emit("read", tensor=self.spec(tensor), line=self.line())
        return self.values(tensor)

    def begin(self) -> None:
        """A new call: storages are numbered afresh."""
        self._numbers.clear()
        self._alive.clear()

    def own(self, tensor: torch.Tensor) -> int:
        """Number a fresh storage; it stays alive for the call, so that its identity is not used again."""
        number = len(self._alive)
        self._numbers[tensor.untyped_storage()._cdata] = number
        self._alive.append(tensor)
        return number

    def allocate(self, tensor: torch.Tensor) -> torch.Tensor:
        number = self.own(tensor)
        self.emit("alloc", storage=number, bytes=tensor.untyped_storage().nbytes())
        return tensor

    def spec(self, tensor: torch.Tensor) -> dict[str, Any]:
        number = self._numbers.get(tensor.untyped_storage()._cdata)
        if number is None:
            name = self.made.get(tensor.untyped_storage()._cdata)
            made = f"what `__init__` made as `{name}` is used: its values are not the problem's" if name else ""
            unknown = "a tensor is used that this call neither was given nor made"
            self.refuse(Cause.KEPT_TENSOR, detail=made or unknown)
        return {
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset(),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "storage": number,
        }


class Telling(Recorder):
    """The conversation with the executor."""

    def __init__(self, channel: Channel, path: str) -> None:
        super().__init__(path)
        self.channel = channel

    def emit(self, op: str, **fields: Any) -> None:
        self.channel.send({"op": op, **fields})

    def values(self, tensor: torch.Tensor) -> Any:
        flat = self.channel.receive()[0]["values"]
        if flat is None:
            return super().values(tensor)
        left = iter(flat)

        def nest(shape: list[int]) -> Any:
            return next(left) if not shape else [nest(shape[1:]) for _ in range(shape[0])]

        return nest(list(tensor.shape))
