"""What a pooling operation slides over its input: read from the traced operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Node
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced

POOLS = {
    "max_pool1d": 1, "max_pool2d": 2, "max_pool3d": 3, "max_pool2d_with_indices": 2, "max_pool3d_with_indices": 3,
    "avg_pool1d": 1, "avg_pool2d": 2, "avg_pool3d": 3,
}  # fmt: skip
"""Operation → the dimensions that its window slides along, the last ones."""


@dataclass(frozen=True)
class Axis:
    """One dimension of a window. dim: counted from the last one, which is -1."""

    dim: int
    size: int
    stride: int
    padding: int
    dilation: int

    @property
    def plain(self) -> bool:
        """Whether the window is one element that moves by one."""
        return (self.size, self.stride, self.padding) == (1, 1, 0)

    def length(self, size: str) -> str:
        """How many windows fit in a dimension of this size."""
        more = 2 * self.padding - self.dilation * (self.size - 1)
        if self.stride == 1:
            return _plus(size, more)
        return f"({_plus(size, more - 1)}) // {self.stride} + 1" if more != 1 else f"{size} // {self.stride} + 1"


def _plus(text: str, number: int) -> str:
    return text if number == 0 else f"{text} {'+' if number > 0 else '-'} {abs(number)}"


@dataclass(frozen=True)
class Window:
    """kind: max or mean. divisor: of a mean, None for the number of elements inside of the input."""

    kind: str
    axes: tuple[Axis, ...]
    divisor: int | None

    @classmethod
    def of(cls, node: Node) -> Window:
        """Raises `Unplaced` for one that depends on a size, or that may hang over the edge."""
        count, maximum = POOLS[node.base], node.base.startswith("max")
        given = [*node.args[1:], *([None] * 6)]
        size = _each(node, given[0], count, 1)
        stride = _each(node, given[1] or size, count, 1)
        padding = _each(node, given[2], count, 0)
        dilation = _each(node, given[3], count, 1) if maximum else (1,) * count
        if given[4 if maximum else 3] or len(node.outputs[0].shape) not in (count + 1, count + 2):
            raise Unplaced(node.op)
        axes = (
            Axis(dim - count, *values) for dim, values in enumerate(zip(size, stride, padding, dilation, strict=True))
        )
        divisor = None if maximum else _divisor(size, padding, node.args[5:])
        return cls("max" if maximum else "mean", tuple(axes), divisor)


def _each(node: Node, value: Any, count: int, default: int) -> tuple[int, ...]:
    """A number for each dimension."""
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    values = (values or (default,)) * (count if len(values) < 2 else 1)
    if len(values) != count or not all(isinstance(item, int) for item in values):
        raise Unplaced(node.op)
    return values


def _divisor(size: tuple[int, ...], padding: tuple[int, ...], rest: tuple[Any, ...]) -> int | None:
    """rest: whether padding counts, and a divisor that overrides."""
    include, override = (*rest, *(True, None)[len(rest) :])[:2]
    if override is not None:
        return int(override)
    if not include and any(padding):
        return None
    count = 1
    for item in size:
        count *= item
    return count
