"""Module-level constants, computed by us from the tree: small literals and arithmetic, never an unbounded step."""

from __future__ import annotations

import ast
import importlib
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pytest_kernelfalcon.judge.extractor import allowlist

MAX_BITS = 128
MAX_DEPTH = 32
MAX_FLOAT_TEXT = 40
MAX_TEXT = 200
MAX_ELEMENTS = 64


@dataclass(frozen=True)
class Dtype:
    """A tl dtype as a value. path: `triton.language.float32`."""

    path: str


Value: TypeAlias = "bool | int | float | str | Dtype | tuple[Value, ...] | None"
Number: TypeAlias = "bool | int | float"

_MATH: dict[str, float | Callable[..., float]] = {name: getattr(math, name) for name in allowlist.MATH}
_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_LIMITS = {"torch.finfo": ("eps", "max", "min", "smallest_normal", "tiny"), "torch.iinfo": ("bits", "max", "min")}
_DTYPES = ("float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64")
"""Of torch, for its limits."""
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


class NotFoldable(Exception):
    """An expression is no small constant."""


class Names(Protocol):
    """What names mean where the expression stands."""

    def value(self, name: str) -> Value:
        """The constant of that name. Raises NotFoldable."""
        ...

    def path(self, node: ast.expr) -> str | None:
        """`triton.language.float32` for `tl.float32`; None where no import leads to the node."""
        ...

    def is_builtin(self, name: str) -> bool:
        """Whether the module leaves that name to Python."""
        ...


def fold(node: ast.expr, names: Names) -> Value:
    """The value of a constant expression. Raises NotFoldable."""
    try:
        return _fold(node, names, 0)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise NotFoldable(str(error)) from None


def _fold(node: ast.expr, names: Names, depth: int) -> Value:
    if depth > MAX_DEPTH:
        raise NotFoldable
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return _bounded(value)
        case ast.Tuple() | ast.List():
            return _bounded(tuple(_fold(element, names, depth + 1) for element in node.elts))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_number(operand, names, depth))
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_arithmetic(op, _number(left, names, depth), _number(right, names, depth)))
        case ast.Name(id=name) if names.path(node) is None:
            return names.value(name)
        case ast.Attribute(value=ast.Call(func=function, args=[dtype], keywords=[]), attr=name):
            return _bounded(_limit(names.path(function), names.path(dtype), name))
        case ast.Name() | ast.Attribute():
            return _named(names.path(node))
        case ast.Call(func=function, args=[*arguments], keywords=[]):
            return _bounded(_call(function, arguments, names, depth))
    raise NotFoldable


def _number(node: ast.expr, names: Names, depth: int) -> Number:
    value = _fold(node, names, depth + 1)
    if isinstance(value, bool | int | float):
        return value
    raise NotFoldable


def _arithmetic(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        if isinstance(left, float) or isinstance(right, float) or left.bit_length() * abs(right) <= MAX_BITS:
            result = left**right
            if isinstance(result, int | float):  # not complex
                return result
    elif type(op) in _BINARY:
        return _BINARY[type(op)](left, right)
    elif isinstance(left, int) and isinstance(right, int) and 0 <= right <= MAX_BITS:
        match op:
            case ast.LShift():
                return left << right
            case ast.RShift():
                return left >> right
    raise NotFoldable


def _named(path: str | None) -> Value:
    if path is not None:
        module, _, name = path.rpartition(".")
        if module == "math" and isinstance(constant := _MATH.get(name), float):
            return constant
        if module != "math" and allowlist.member(module, name) == "object" and allowlist.is_dtype(path):
            return Dtype(path)
    raise NotFoldable


def _limit(function: str | None, dtype: str | None, name: str) -> Value:
    """`torch.finfo(torch.float32).max` and its like: what torch says, by the paths of the three."""
    module, _, kind = (dtype or "").rpartition(".")
    if module == "torch" and kind in _DTYPES and name in _LIMITS.get(function or "", ()):
        torch = importlib.import_module("torch")
        value = getattr(getattr(torch, str(function).removeprefix("torch."))(getattr(torch, kind)), name)
        if isinstance(value, int | float):
            return value
    raise NotFoldable


def _call(function: ast.expr, arguments: list[ast.expr], names: Names, depth: int) -> Value:
    path = names.path(function)
    if path in allowlist.CONSTEXPR and len(arguments) == 1:
        return _fold(arguments[0], names, depth + 1)
    if path is not None and path.startswith("math.") and callable(called := _MATH.get(path.removeprefix("math."))):
        return called(*(_number(argument, names, depth) for argument in arguments))
    match function, arguments:
        case ast.Name(id="float"), [ast.Constant(value=str() | int() | float() as text)] if names.is_builtin("float"):
            if len(str(text)) <= MAX_FLOAT_TEXT:
                return float(text)
    raise NotFoldable


def _bounded(value: Value) -> Value:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise NotFoldable
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise NotFoldable
    if isinstance(value, tuple) and _elements(value) > MAX_ELEMENTS:  # (T, T) of a (T, T) of … doubles each time
        raise NotFoldable
    return value


def _elements(value: Value) -> int:
    return sum(map(_elements, value)) + 1 if isinstance(value, tuple) else 1
