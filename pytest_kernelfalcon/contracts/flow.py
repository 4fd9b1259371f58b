"""Which module-level names a piece of a problem's text is made from, read by ast.

A reference is a name, or an element of one: `shape`, `shape[0]`, `config[dim]`.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable

_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_LARGEST = 2**48
_LARGEST_POWER = 64


def parse_quietly(source: str) -> ast.Module:
    """`ast.parse` without its warnings about the text's style."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return ast.parse(source)


def fold(node: ast.expr) -> int | None:
    """The integer that a constant expression stands for; None for all else, bools and negative literals too."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int and node.value <= _LARGEST else None
    if not isinstance(node, ast.BinOp) or type(node.op) not in _ARITHMETIC:
        return None
    left, right = fold(node.left), fold(node.right)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Pow | ast.LShift | ast.RShift) and not 0 <= right <= _LARGEST_POWER:
        return None
    if right == 0 and isinstance(node.op, ast.FloorDiv | ast.Mod):
        return None
    value = _ARITHMETIC[type(node.op)](left, right)
    return value if abs(value) <= _LARGEST else None


def uses(node: ast.AST) -> set[str]:
    """The references to module-level names in `node`; what a function binds for itself does not count."""
    found = _Uses()
    found.visit(node)
    return found.references


def reach(flows: dict[str, set[str]], start: set[str]) -> Callable[[str], bool]:
    """A test whether a name is among what `start` is made from, through any number of bindings."""
    seen: set[str] = set()
    todo = list(start)
    while todo:
        reference = todo.pop()
        if reference not in seen:
            seen.add(reference)
            todo += [used for name, names in flows.items() if overlap(name, reference) for used in names]
    return lambda name: any(overlap(name, reference) for reference in seen)


def overlap(one: str, other: str) -> bool:
    """Whether two references are the same, or one is an element of the other."""
    return one == other or one.startswith(f"{other}[") or other.startswith(f"{one}[")


class _Uses(ast.NodeVisitor):
    def __init__(self) -> None:
        self.references: set[str] = set()
        self._local: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id not in self._local:
            self.references.add(node.id)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() | str() as key)):
                if name not in self._local:
                    self.references.add(f"{name}[{key}]")
            case _:
                self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_scope(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_scope(node)

    def _visit_scope(self, node: ast.FunctionDef | ast.Lambda) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outer, self._local = self._local, self._local | _bound_in(node)
        self.generic_visit(node)
        self._local = outer


def _bound_in(node: ast.FunctionDef | ast.Lambda) -> set[str]:
    """Arguments and assigned names. Names that a nested function binds are taken along: they seldom hide globals."""
    arguments = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    stored = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return arguments | stored
