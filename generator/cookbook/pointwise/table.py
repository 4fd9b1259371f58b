"""The table of pointwise operations, and what their forms are written with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pytest_kernelfalcon.generator.cookbook.graph import Node
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Forms
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, is_float, number

Rounds = Literal["never", "on the CPU", "always"]


class Unplaced(Exception):
    """The recipe has no form for this operation."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


@dataclass(frozen=True)
class Scope:
    """One operation being written.

    dtype: torch's name of the type that it is computed in. operand: the text of an argument in a given type, as a
    tensor if `alone`: Triton must know the type of an expression of numbers only.
    """

    node: Node
    dtype: str
    forms: Forms
    operand: Callable[[Any, str, bool], str]
    alone: bool

    @property
    def floating(self) -> bool:
        return is_float(self.dtype)

    @property
    def register(self) -> str:
        return f"tl.{REGISTER[self.dtype]}"

    def x(self, k: int = 0) -> str:
        """Argument `k` in the type of the operation."""
        return self.text(self.node.args[k])

    def text(self, argument: Any) -> str:
        return self.operand(argument, self.dtype, self.alone)

    def truth(self, k: int) -> str:
        """Argument `k` as a truth value."""
        return self.operand(self.node.args[k], "bool", False)

    def tensor(self, k: int) -> str:
        """Argument `k` as a tensor even where it is a number."""
        return self.operand(self.node.args[k], self.dtype, True)

    def number(self, k: int) -> Any:
        """Argument `k` if it is a plain number, else None."""
        argument = self.node.args[k]
        return argument if isinstance(argument, bool | int | float) else None

    def joined(self, *arguments: Any) -> list[str]:
        """Arguments for a function that gives one of them: in Triton the type of the result is the widest of theirs."""
        numbers = [isinstance(argument, int | float) for argument in arguments]
        typed = self.alone or (not self.floating and (self.dtype != "int64" or all(numbers)))
        return [self.operand(argument, self.dtype, typed and self.dtype != "bool") for argument in arguments]

    def times(self, factor: Any, x: str) -> str:
        """`factor * x`, or `x` alone for a factor of one."""
        return x if factor == 1 else f"{number(factor, self.dtype)} * {x}"

    def unplaced(self) -> Unplaced:
        return Unplaced(self.node.op)


@dataclass(frozen=True)
class Operation:
    """How an operation is written.

    uses: the arguments that it depends on, or None for all. types: what it is computed in: its output's type, or what
    its operands promote to. rounds: whether eager rounds its numbers to the tensor's own type.
    """

    write: Callable[[Scope], str]
    uses: tuple[int, ...] | None = None
    types: Literal["output", "operands"] = "output"
    rounds: Rounds = "never"


OPERATIONS: dict[str, Operation] = {}
"""By base name: the overloads of an operation take the same arguments in the same order."""


def operation(
    *names: str,
    uses: tuple[int, ...] | None = None,
    types: Literal["output", "operands"] = "output",
    rounds: Rounds = "never",
) -> Callable[[Callable[[Scope], str]], Callable[[Scope], str]]:
    """Registers the form of the operations of these names."""

    def register(write: Callable[[Scope], str]) -> Callable[[Scope], str]:
        OPERATIONS.update(dict.fromkeys(names, Operation(write, uses, types, rounds)))
        return write

    return register
