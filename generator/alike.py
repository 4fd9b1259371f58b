"""When two candidates are the same: comments, layout, docstrings and the names of variables aside."""

from __future__ import annotations

import ast
import builtins
import hashlib
import warnings
from collections.abc import Iterator


def fingerprint(source: str) -> str:
    """Equal for candidates that do the same by their syntax trees; of a text that is no Python, too deep, or nothing
    but comments, its own.
    """
    try:
        text = _normalised(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        text = source
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _normalised(source: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        tree = ast.parse(source)
    if not tree.body:
        return source
    for node in ast.walk(tree):
        _without_docstring(node)
    _Renamed(tree).visit(tree)
    return ast.dump(tree)


def _without_docstring(node: ast.AST) -> None:
    if (
        isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and ast.get_docstring(node, clean=False) is not None
    ):
        node.body = node.body[1:] or [ast.Pass()]


def _locals(function: ast.FunctionDef) -> Iterator[str]:
    """Names that the function binds, other than its parameters: these are called by name, from outside."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


class _Renamed(ast.NodeTransformer):
    """Local variables become numbers in the order in which they are bound."""

    def __init__(self, tree: ast.Module) -> None:
        self._kept = set(dir(builtins)) | {name for node in tree.body for name in _bound(node)}
        self._names: dict[str, str] = {}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer = self._names
        parameters = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        free = dict.fromkeys(name for name in _locals(node) if name not in self._kept | parameters)
        self._names = outer | {name: f"local{number}" for number, name in enumerate(free, len(outer))}
        self.generic_visit(node)
        self._names = outer
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._names.get(node.id, node.id)
        return node


def _bound(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom) else ():
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        if isinstance(inner, ast.alias):
            yield (inner.asname or inner.name).partition(".")[0]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
