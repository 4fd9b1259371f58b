"""Comparisons, logic, and operations that give one of their arguments."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import maximum, minimum
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Scope, operation

COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@operation(*COMPARISONS, types="operands", rounds="always")
def compare(s: Scope) -> str:
    return f"{s.x(0)} {COMPARISONS[s.node.base]} {s.x(1)}"


@operation("isnan", types="operands")
def isnan(s: Scope) -> str:
    return f"{s.tensor(0)} != {s.tensor(0)}"


@operation("isinf", types="operands")
def isinf(s: Scope) -> str:
    return f'tl.abs({s.tensor(0)}) == float("inf")' if s.floating else f"{s.tensor(0)} != {s.tensor(0)}"


@operation("signbit", types="operands")
def signbit(s: Scope) -> str:
    return s.forms.call("signbit", s.tensor(0)) if s.floating else f"{s.tensor(0)} < 0"


@operation("logical_and", "logical_or", "logical_xor")
def logical(s: Scope) -> str:
    symbol = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}[s.node.base]
    return f"{s.truth(0)} {symbol} {s.truth(1)}"


@operation("logical_not")
def logical_not(s: Scope) -> str:
    return f"~{s.truth(0)}"


@operation("bitwise_and", "bitwise_or", "bitwise_xor", "__and__", "__or__", "__xor__")
def bitwise(s: Scope) -> str:
    symbol = {"and": "&", "or": "|", "xor": "^"}[s.node.base.removeprefix("bitwise").strip("_")]
    return f"{s.x(0)} {symbol} {s.x(1)}"


@operation("bitwise_not")
def bitwise_not(s: Scope) -> str:
    return f"~{s.x()}"


@operation("bitwise_left_shift", "__lshift__")
def left_shift(s: Scope) -> str:
    return f"{s.x(0)} << {s.x(1)}"


@operation("bitwise_right_shift", "__rshift__")
def right_shift(s: Scope) -> str:
    return f"{s.x(0)} >> {s.x(1)}"


@operation("maximum", rounds="always")
def maximum_(s: Scope) -> str:
    return _larger(s, *s.joined(*s.node.args[:2]))


@operation("minimum", rounds="always")
def minimum_(s: Scope) -> str:
    return _smaller(s, *s.joined(*s.node.args[:2]))


@operation("fmax", "fmin", rounds="always")
def ignoring_nan(s: Scope) -> str:
    a, b = s.joined(*s.node.args[:2])
    return f"tl.{'maximum' if s.node.base == 'fmax' else 'minimum'}({a}, {b})"


@operation("clamp", "clip", "hardtanh", rounds="always")
def clamp(s: Scope) -> str:
    low, high = s.node.args[1:3]
    return clamped(s, low, high)


@operation("clamp_min", rounds="always")
def clamp_min(s: Scope) -> str:
    return clamped(s, s.node.args[1], None)


@operation("clamp_max", rounds="always")
def clamp_max(s: Scope) -> str:
    return clamped(s, None, s.node.args[1])


def clamped(s: Scope, low: Any, high: Any) -> str:
    """The first argument between two bounds, either of which may be None."""
    if s.floating and low is not None and high is not None:
        return s.forms.call("clamp", *s.joined(s.node.args[0], low, high))
    text = s.x()
    if low is not None:
        text = _larger(s, text, s.joined(s.node.args[0], low)[1])
    return text if high is None else _smaller(s, text, s.joined(s.node.args[0], high)[1])


def _larger(s: Scope, a: str, b: str) -> str:
    return maximum(a, b) if s.floating else f"tl.maximum({a}, {b})"


def _smaller(s: Scope, a: str, b: str) -> str:
    return minimum(a, b) if s.floating else f"tl.minimum({a}, {b})"


@operation("where", rounds="always")
def where(s: Scope) -> str:
    chosen, other = s.joined(*s.node.args[1:3])
    return f"tl.where({s.truth(0)}, {chosen}, {other})"


@operation("masked_fill", rounds="always")
def masked_fill(s: Scope) -> str:
    x, value = s.joined(s.node.args[0], s.node.args[2])
    return f"tl.where({s.truth(1)}, {value}, {x})"
