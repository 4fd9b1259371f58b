"""A tensor on its way through views: its shape and strides, and the Python that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Ref

Path = tuple[Ref, ...]
"""Steps from an input outwards: view operations, and (any other operation) a broadcast to that operation's shape."""


@dataclass
class Replay:
    """A tensor on its way through views.

    shape, stride: its own, at the declared sizes; stride is None once it cannot be told. full: the shape that the
    traced value has here, which `shape` broadcasts to. steps: Python, `{v}` being the tensor before the step.
    expression: an `Expression`'s text in terms of the wrapper's variables. fractions: a slice's bound that is half the
    size (a third, a quarter) follows the size.
    """

    graph: Graph
    shape: list[int]
    stride: list[int] | None
    expression: Callable[[str], str]
    fractions: bool
    steps: list[str] = field(default_factory=list)
    full: list[int] = field(default_factory=list)

    @property
    def contiguous(self) -> bool:
        """Whether it is, at the declared sizes and strides."""
        if self.stride is None:
            return False
        dense, step = True, 1
        for size, stride in zip(reversed(self.shape), reversed(self.stride), strict=True):
            dense &= size == 1 or stride == step
            step *= size
        return dense

    def pad(self) -> None:
        """Gives it the dimensions that it has by broadcasting alone."""
        while len(self.shape) < len(self.full):
            self.unsqueeze(0)

    def own(self, dim: int) -> bool:
        """Whether the tensor has this dimension of the traced value itself, rather than by broadcasting."""
        return self.shape[dim] == self.full[dim]

    def rearrange(self, step: str, shape: list[int], stride: list[int] | None) -> None:
        self.steps.append(step)
        self.shape, self.stride = shape, stride

    def unsqueeze(self, dim: int) -> None:
        strides = None if self.stride is None else [*self.stride[:dim], 0, *self.stride[dim:]]
        self.rearrange(f"{{v}}.unsqueeze({dim})", [*self.shape[:dim], 1, *self.shape[dim:]], strides)

    def text(self, value: Any) -> str:
        return self.expression(value.text) if isinstance(value, Expression) else str(value)

    def bound(self, value: Any, dim: int) -> str:
        """A slice's bound, or the size of a piece."""
        size = self.shape[dim]
        for parts in (2, 3, 4) if self.fractions and isinstance(value, int) else ():
            for k in range(1, parts):
                if value * parts == size * k:
                    return f"{'' if k == 1 else f'{k} * '}{{v}}.shape[{dim}] // {parts}"
        return self.text(value)
