"""The integers of a problem that may vary: where they stand in its text, and that text with other values.

A size is named by what binds it: `batch_size`, `shape[0]`, `config[dim]`; `get_inputs[2]` is the third bare
literal of `get_inputs`. `height+width` names two that only move together: both take the value.
Which of them the inputs and the model see is read off the text (`Slot.role`); what they may become is found by
experiment (judge/roles/sizing.py).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.contracts.flow import fold, parse_quietly, reach, uses

Role = Literal["inputs", "model", "unused"]
Span = tuple[int, int, int, int]

TOGETHER = "+"
MAX_ELEMENTS = 16  # a longer list is a table of values, not a shape

_SIZED = {"rand", "randn", "zeros", "ones", "empty", "randperm", "eye", "arange"}
_FACTORIES = _SIZED | {"randint", "full", "normal"}


@dataclass(frozen=True)
class Slot:
    """One integer. span: first line, first column, last line, end column (columns in UTF-8 bytes, as ast's).

    role: "inputs" where it reaches `get_inputs` alone, "model" where it reaches the model or its arguments.
    """

    name: str
    value: int
    span: Span
    role: Role


def slots(source: str) -> list[Slot]:
    """The integers of the last module-level binding of each name, in the order of the text.

    Elements of tuples, lists and dicts count each for itself, constant arithmetic as one. Left out: bools,
    negative numbers, and ones inside a container.
    """
    return list(_named(source))


def literals(source: str) -> list[Slot]:
    """The integers above 1 that `get_inputs` itself binds or hands to a tensor factory as a size."""
    return list(_bare(source))


def rewrite(source: str, sizes: Sizes) -> str:
    """`source` with the named integers changed; every line keeps its number. Raises KeyError for an unknown name."""
    known = {slot.name: slot for slot in (*_named(source), *_bare(source))}
    lines = source.encode().split(b"\n")
    changes = {known[part]: value for name, value in sizes.items() for part in name.split(TOGETHER)}
    for slot, value in sorted(changes.items(), key=lambda item: item[0].span, reverse=True):
        if value != slot.value:
            _replace(lines, slot.span, str(value))
    return b"\n".join(lines).decode()


def _replace(lines: list[bytes], span: Span, text: str) -> None:
    """An expression over several lines is followed by as many continued ones, so that later lines keep their number."""
    first, start, last, end = span
    head, tail = lines[first - 1][:start] + text.encode(), lines[last - 1][end:]
    if first == last:
        lines[last - 1] = head + tail
    else:
        ending = b"\n" if last == len(lines) else b""  # a file may not end in a continued line
        lines[first - 1 : last] = [head + b" \\", *[b"\\"] * (last - first - 1), tail + ending]


@lru_cache(maxsize=64)
def _named(source: str) -> tuple[Slot, ...]:
    table = _Table()
    for statement in parse_quietly(source).body:
        table.add(statement)
    inputs = reach(table.flows, {"get_inputs"})
    model = reach(table.flows, {"get_init_inputs", "Model"})
    found = []
    for name, node in table.integers.items():
        role: Role = "model" if model(name) else "inputs" if inputs(name) else "unused"
        found.append(Slot(name, fold(node) or 0, _span(node), role))
    return tuple(sorted(found, key=lambda slot: slot.span))


@lru_cache(maxsize=64)
def _bare(source: str) -> tuple[Slot, ...]:
    nodes: dict[Span, ast.expr] = {}
    for statement in parse_quietly(source).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "get_inputs":
            nodes = {_span(node): node for part in ast.walk(statement) for node in _sizes_in(part)}
    kept = [(span, value) for span, node in sorted(nodes.items()) if (value := fold(node) or 0) > 1]
    return tuple(Slot(f"get_inputs[{index}]", value, span, "inputs") for index, (span, value) in enumerate(kept))


def _sizes_in(node: ast.AST) -> list[ast.expr]:
    """The expressions that `node` uses as sizes: bound to a local name, or given to a factory."""
    if isinstance(node, ast.Assign):
        return _elements(node.value)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return []
    factory = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    if factory not in _FACTORIES:
        return []
    given = [*node.args, *(word.value for word in node.keywords if word.arg == "size")]
    return [
        item
        for argument in given
        if factory in _SIZED or isinstance(argument, ast.Tuple | ast.List)
        for item in _elements(argument)
    ]


def _elements(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List) else [node]


def _span(node: ast.expr) -> Span:
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0


class _Table:
    """What the module's names are bound to: integers by name, and for all else the names that it is made from."""

    def __init__(self) -> None:
        self.integers: dict[str, ast.expr] = {}
        self.flows: dict[str, set[str]] = {}

    def add(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self.flows[name] = uses(statement)
            case ast.Assign(targets=[first, *others], value=value):
                self._assign(first, value)
                for other in others:
                    self._assign(other, first if isinstance(first, ast.Name) else value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._forget(target.id)
            self._bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for index, part in enumerate(target.elts):
                self._assign(part, self._part(value, index, len(target.elts)))

    def _part(self, value: ast.expr, index: int, count: int) -> ast.expr:
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == count:
            return value.elts[index]
        return ast.Subscript(value, ast.Constant(index), ast.Load())

    def _bind(self, name: str, value: ast.expr) -> None:
        number = fold(value)
        if number is not None:
            if number >= 0 and not (number == 1 and "[" in name):
                self.integers[name] = value
        elif isinstance(value, ast.BinOp) and isinstance(value.left, ast.List) and isinstance(value.op, ast.Mult):
            self._bind(name, value.left)  # `[64] * 4`: its elements count once
        elif isinstance(value, ast.Tuple | ast.List) and len(value.elts) <= MAX_ELEMENTS:
            for index, item in enumerate(value.elts):
                self._bind(f"{name}[{index}]", item)
        elif isinstance(value, ast.Dict) and all(_plain_key(key) for key in value.keys):
            for key, item in zip(value.keys, value.values, strict=True):
                self._bind(f"{name}[{_plain_key(key)}]", item)
        else:
            self.flows[name] = uses(value)

    def _forget(self, name: str) -> None:
        _drop(self.integers, name)
        _drop(self.flows, name)


def _plain_key(key: ast.expr | None) -> str | None:
    """A dict's key where it can stand in a size's name, else None."""
    if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
        return key.value
    return None


def _drop(bound: dict[str, Any], name: str) -> None:
    for old in [key for key in bound if key == name or key.startswith(f"{name}[")]:
        del bound[old]
