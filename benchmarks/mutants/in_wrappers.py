"""Faults in what launches a kernel: its grid, its arguments, its output."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.in_kernels import Operator
from benchmarks.mutants.text import Change, Text, called, is_launch, name_of, neighbours


def grid(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """One program too few."""
    if is_launch(node):
        shape = node.func.slice if isinstance(node.func, ast.Subscript) else None
        for item in shape.elts if isinstance(shape, ast.Tuple) else []:
            yield item, f"{text.atom(item)} - 1"


def cdiv(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """The number of blocks rounded down, or of blocks that are larger than those that are launched."""
    if called(node, "cdiv"):
        whole, part = map(text.atom, node.args)
        yield node, f"({whole} // {part})"
        yield node, f"{text.of(node.func)}({whole}, {part} * 2)"


def arguments_swapped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Two neighbours of a launch: both strides of one tensor, or neither a stride."""
    if not is_launch(node):
        return
    given = node.args
    for one, other in neighbours(given):
        if not isinstance(one, ast.Starred) and not isinstance(other, ast.Starred) and _stride(one) == _stride(other):
            words = {one: text.of(other), other: text.of(one)}
            yield node, _call(node, [words.get(item, text.of(item)) for item in given], text)


def stride(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Strides the other way round, or of another dimension."""
    if not called(node, "stride"):
        return
    if not node.args:
        yield node, f"{text.of(node)}[::-1]"
    elif isinstance(node.args[0], ast.Constant) and type(node.args[0].value) is int and node.args[0].value > 0:
        yield node.args[0], str(node.args[0].value - 1)


def number(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A size that is given to a kernel is one too small or one too large."""
    if is_launch(node):
        for item in node.args:
            if "stride" not in text.of(item) and isinstance(item, ast.BinOp | ast.Subscript):
                yield item, f"{text.atom(item)} - 1"
                yield item, f"{text.atom(item)} + 1"


def launch_dropped(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """One of several; without any there is nothing to run."""
    if isinstance(node, ast.Expr) and is_launch(node.value) and len(text.launches) > 1:
        yield node, "pass"


def layout(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A copy in order left out; a view of two dimensions the wrong way round."""
    if called(node, "contiguous") and isinstance(node.func, ast.Attribute):
        yield node, text.of(node.func.value)
    if called(node, "transpose", "permute") and isinstance(node.func, ast.Attribute):
        yield node, text.of(node.func.value)
    if called(node, "reshape", "view"):
        for one, other in neighbours(node.args):
            words = {one: text.of(other), other: text.of(one)}
            yield node, _call(node, [words.get(item, text.of(item)) for item in node.args], text)


def output_type(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A coarser type of what a kernel writes."""
    if called(node, "empty", "empty_like", "zeros", "new_empty"):
        for item in node.keywords:
            if item.arg == "dtype":
                yield item.value, "torch.float16"


def initial_fill(node: ast.AST, text: Text) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What a kernel adds to begins with anything, or with ones."""
    if called(node, "zeros", "zeros_like") and isinstance(node.func, ast.Attribute):
        for name in ("empty", "ones"):
            yield node.func, f"{text.of(node.func.value)}.{node.func.attr.replace('zeros', name)}"


def _stride(node: ast.expr) -> str:
    """The tensor whose stride it is, or nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and name_of(node.func) == "stride":
        return ast.unparse(node.func.value)
    return ""


def _call(node: ast.Call, words: list[str], text: Text) -> str:
    named = [f"{item.arg}={text.of(item.value)}" if item.arg else f"**{text.of(item.value)}" for item in node.keywords]
    return f"{text.of(node.func)}({', '.join([*words, *named])})"


OPERATORS: tuple[Operator, ...] = (
    grid, cdiv, arguments_swapped, stride, number, launch_dropped, layout, output_type, initial_fill,
)  # fmt: skip


def changes(text: Text) -> Iterator[Change]:
    """Every one, in the order of the text."""
    for wrapper in text.wrappers:
        for statement in wrapper.body:
            for node in ast.walk(statement):
                for operator in OPERATORS:
                    for place, new in operator(node, text):
                        yield Change(operator.__name__, wrapper.name, place, new)
