"""The plan's tensors as Python expressions: arguments by their names, allocations as `torch.empty`, views of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.contract import ITEMSIZE, TensorSpec
from pytest_kernelfalcon.judge.baking.layout import numbers


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= max(size, 1)
    return tuple(strides)


@dataclass(frozen=True)
class Base:
    """A variable that holds a storage. given: whether it is an argument, whose own offset may be another one."""

    name: str
    spec: TensorSpec
    given: bool

    def expression(self, spec: TensorSpec) -> str:
        """Another tensor of the storage."""
        mine = self.spec
        if (spec.shape, spec.stride, spec.offset, spec.dtype) == (mine.shape, mine.stride, mine.offset, mine.dtype):
            return self.name
        start = self.name
        if spec.dtype != mine.dtype:
            start = f"{self.name}.view(torch.{spec.dtype})"
        elif spec.offset == mine.offset:
            if spec.numel == mine.numel and _plain(mine) and _plain(spec):
                return f"{self.name}.view({', '.join(map(str, spec.shape)) or '()'})"
            if len(spec.shape) == 2 and (spec.shape[::-1], spec.stride[::-1]) == (mine.shape, mine.stride):
                return f"{self.name}.t()"
        return f"{start}.as_strided({numbers(spec.shape)}, {numbers(spec.stride)}{self._offset(start, spec)})"

    def _offset(self, start: str, spec: TensorSpec) -> str:
        """Elements from the storage's beginning; from the argument's own beginning where it is one."""
        own = self.spec.offset * ITEMSIZE[self.spec.dtype] // ITEMSIZE[spec.dtype]
        if spec.offset == own:
            return ""
        if not self.given:
            return f", {spec.offset}"
        step = spec.offset - own
        return f", {start}.storage_offset() {'+' if step > 0 else '-'} {abs(step)}"


def _plain(spec: TensorSpec) -> bool:
    return spec.stride == contiguous(spec.shape)


def allocated(name: str, number: int, nbytes: int, uses: list[TensorSpec], device: str) -> tuple[Base, str, list[str]]:
    """(variable, function, its arguments) for a new storage. uses: all its tensors in the plan, of which the first that
    is the whole storage gives the shape.
    """
    types = {spec.dtype for spec in uses}
    for spec in uses:
        if spec.offset == 0 and spec.numel * ITEMSIZE[spec.dtype] == nbytes and len(types) == 1:
            if _plain(spec):
                return (
                    Base(name, spec, False),
                    "torch.empty",
                    [numbers(spec.shape), f"dtype=torch.{spec.dtype}", f"device={device}"],
                )
            if _dense(spec):
                given = [numbers(spec.shape), numbers(spec.stride), f"dtype=torch.{spec.dtype}", f"device={device}"]
                return Base(name, spec, False), "torch.empty_strided", given
    dtype = types.pop() if len(types) == 1 else "uint8"
    if nbytes % ITEMSIZE[dtype]:
        dtype = "uint8"
    count = nbytes // ITEMSIZE[dtype]
    flat = TensorSpec((count,), (1,), 0, dtype, number)
    return Base(name, flat, False), "torch.empty", [str(count), f"dtype=torch.{dtype}", f"device={device}"]


def _dense(spec: TensorSpec) -> bool:
    """Whether each element of the storage is one of the tensor's."""
    ordered = sorted(zip(spec.stride, spec.shape, strict=True))
    return all(stride == math.prod(size for _, size in ordered[:i]) for i, (stride, _) in enumerate(ordered))


def specs_in(value: Any) -> list[TensorSpec]:
    """Every tensor in a message, in order."""
    if isinstance(value, dict):
        if "storage" in value and "shape" in value:
            return [TensorSpec.of(value)]
        return [spec for item in value.values() for spec in specs_in(item)]
    return [spec for item in value for spec in specs_in(item)] if isinstance(value, list) else []
