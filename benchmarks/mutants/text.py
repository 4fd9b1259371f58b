"""A kernel file as text and tree: where its functions are, and what a small change of it makes."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeGuard

ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript)
"""What needs no parentheses inside another expression."""


@dataclass(frozen=True)
class Change:
    """One fault. operator: what kind. function: where. node: what is replaced by `new`; it begins the change's line."""

    operator: str
    function: str
    node: ast.expr | ast.stmt
    new: str


class Text:
    """One file. Raises SyntaxError where it is none of Python's."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.tree = ast.parse(source)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node, without parentheses around it."""
        start, end = self._span(node)
        return self._bytes[start:end].decode()

    def atom(self, node: ast.expr) -> str:
        """The same, in parentheses where it needs some to be an operand."""
        return self.of(node) if isinstance(node, ATOMS) else f"({self.of(node)})"

    def changed(self, change: Change) -> str:
        start, end = self._span(change.node)
        return (self._bytes[:start] + change.new.encode() + self._bytes[end:]).decode()

    def lines(self, change: Change) -> tuple[str, str]:
        """The lines that a change touches, before and after, without the white space around and between them."""
        first, last = change.node.lineno - 1, change.node.end_lineno or change.node.lineno
        before, after = self.source.splitlines(), self.changed(change).splitlines()
        end = last + len(after) - len(before)
        return " ".join(" ".join(before[first:last]).split()), " ".join(" ".join(after[first:end]).split())

    def diff(self, other: str) -> str:
        lines = difflib.unified_diff(self.source.splitlines(), other.splitlines(), "accepted", "mutant", lineterm="")
        return "\n".join(lines)

    @cached_property
    def kernels(self) -> list[ast.FunctionDef]:
        return [item for item in self._functions() if _is_kernel(item)]

    @cached_property
    def wrappers(self) -> list[ast.FunctionDef]:
        return [item for item in self._functions() if not _is_kernel(item)]

    @cached_property
    def launches(self) -> list[ast.AST]:
        return [node for node in ast.walk(self.tree) if is_launch(node)]

    @cached_property
    def multiplies(self) -> bool:
        """Whether it has a product of matrices."""
        return any(called(node, "dot", "dot_scaled") for node in ast.walk(self.tree))

    @cached_property
    def remainders(self) -> set[str]:
        """Names that kernels bind to a remainder, and to nothing else: indices that leave no tensor in any lane."""
        bound: dict[str, bool] = {}
        for kernel in self.kernels:
            for node in ast.walk(kernel):
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    name, value = node.targets[0].id, node.value
                    its = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod)
                    bound[name] = its and bound.get(name, True)
        return {name for name, its in bound.items() if its}

    def _functions(self) -> Iterator[ast.FunctionDef]:
        return (item for item in self.tree.body if isinstance(item, ast.FunctionDef))

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )


def _is_kernel(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).split("(")[0].endswith("jit") for decorator in function.decorator_list)


def called(node: ast.AST, *names: str) -> TypeGuard[ast.Call]:
    """Whether it is a call of a function or method of one of these names."""
    return isinstance(node, ast.Call) and name_of(node.func) in names


def is_launch(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether it is a call of what stands before square brackets: `kernel[grid](…)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript)


def name_of(node: ast.expr) -> str:
    """Of a name or an attribute, the last part; else nothing."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def neighbours(items: list[ast.expr]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each two that stand side by side and say something else."""
    return ((a, b) for a, b in pairwise(items) if ast.dump(a) != ast.dump(b))
