"""Arithmetic, comparisons, logic, rounding, choice."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import maximum, minimum
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Scope, operation
from pytest_kernelfalcon.generator.cookbook.pointwise.text import number


@operation("add")
def add(s: Scope) -> str:
    return f"{s.x(0)} | {s.x(1)}" if s.dtype == "bool" else f"{s.x(0)} + {_scaled(s)}"


@operation("sub")
def sub(s: Scope) -> str:
    return f"{s.x(0)} - {_scaled(s)}"


def _scaled(s: Scope) -> str:
    alpha = s.node.kwargs.get("alpha", 1)
    return s.x(1) if alpha == 1 else f"{s.text(alpha)} * {s.x(1)}"


@operation("mul")
def mul(s: Scope) -> str:
    return f"{s.x(0)} & {s.x(1)}" if s.dtype == "bool" else f"{s.x(0)} * {s.x(1)}"


@operation("div")
def div(s: Scope) -> str:
    mode = s.node.kwargs.get("rounding_mode")
    if mode == "floor":
        return floor_divide(s)
    if mode == "trunc" and not s.floating:
        return f"{s.x(0)} // {s.tensor(1)}"
    quotient = s.forms.divide(s.x(0), s.x(1))
    return s.forms.unary("trunc", quotient) if mode == "trunc" else quotient


@operation("floor_divide", bounds=True)
def floor_divide(s: Scope) -> str:
    return s.forms.call("floor_divide" if s.floating else "floor_divide_int", s.tensor(0), s.tensor(1))


@operation("remainder", bounds=True)
def remainder(s: Scope) -> str:
    return s.forms.call("remainder" if s.floating else "remainder_int", s.tensor(0), s.tensor(1))


@operation("fmod", bounds=True)
def fmod(s: Scope) -> str:
    return f"libdevice.fmod({s.tensor(0)}, {s.tensor(1)})" if s.floating else f"{s.x(0)} % {s.tensor(1)}"


@operation("pow")
def pow_(s: Scope) -> str:
    exponent = s.number(1)
    if not s.floating:
        if exponent is None or exponent < 1:
            raise s.unplaced()
        return " * ".join([s.x(0)] * exponent) if exponent <= 3 else s.forms.call("int_pow", s.tensor(0), str(exponent))
    if exponent is None:
        return s.forms.unary("exp2", s.x(1)) if s.number(0) == 2 else f"libdevice.pow({s.tensor(0)}, {s.tensor(1)})"
    return _power(s, s.x(0), exponent) or f"libdevice.pow({s.tensor(0)}, {s.tensor(1)})"


def _power(s: Scope, x: str, exponent: float) -> str | None:
    """The powers that eager does not leave to pow."""
    match exponent:
        case 0.5:
            return s.forms.sqrt(x)
        case -0.5:
            return s.forms.unary("rsqrt", x)
        case 1 | 2 | 3:
            return " * ".join([x] * int(exponent))
        case -1:
            return s.forms.divide("1.0", x)
        case -2:
            return s.forms.divide("1.0", f"{x} * {x}")
    return None


@operation("reciprocal")
def reciprocal(s: Scope) -> str:
    return s.forms.divide("1.0", s.x())


@operation("sqrt")
def sqrt(s: Scope) -> str:
    return s.forms.sqrt(s.x())


@operation(
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "erf", "erfc", "erfinv", "exp", "exp2", "expm1",
    "lgamma", "log", "log10", "log1p", "log2", "rsqrt", "sin", "sinh", "tan", "tanh",
)  # fmt: skip
def function(s: Scope) -> str:
    return s.forms.unary(s.node.base, s.x())


@operation("atan2", "copysign", "hypot", bounds=True)
def binary_function(s: Scope) -> str:
    return f"libdevice.{s.node.base}({s.tensor(0)}, {s.tensor(1)})"


@operation("logaddexp")
def logaddexp(s: Scope) -> str:
    return s.forms.call("logaddexp", s.tensor(0), s.tensor(1))


@operation("neg")
def neg(s: Scope) -> str:
    return f"-{s.x()}"


@operation("abs")
def abs_(s: Scope) -> str:
    return f"tl.abs({s.x()})"


@operation("sign", "sgn")
def sign(s: Scope) -> str:
    x, to = s.tensor(0), s.register
    return f"{x} != 0" if s.dtype == "bool" else f"({x} > 0).to({to}) - ({x} < 0).to({to})"


@operation("floor", "ceil", "trunc", "round")
def rounding(s: Scope) -> str:
    if not s.floating:
        return s.x()
    name = {"round": "rint"}.get(s.node.base, s.node.base)
    if not (decimals := s.node.kwargs.get("decimals", 0)):
        return s.forms.unary(name, s.x())
    scale = number(10.0 ** abs(decimals), s.dtype)
    if decimals < 0:
        return f"{s.forms.unary(name, s.forms.divide(s.x(), scale))} * {scale}"
    return s.forms.divide(s.forms.unary(name, f"{s.x()} * {scale}"), scale)


COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@operation(*COMPARISONS, types="operands", bounds=True)
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


@operation("maximum", bounds=True)
def maximum_(s: Scope) -> str:
    return _larger(s, *s.joined(*s.node.args[:2]))


@operation("minimum", bounds=True)
def minimum_(s: Scope) -> str:
    return _smaller(s, *s.joined(*s.node.args[:2]))


@operation("fmax", "fmin", bounds=True)
def ignoring_nan(s: Scope) -> str:
    a, b = s.joined(*s.node.args[:2])
    return f"tl.{'maximum' if s.node.base == 'fmax' else 'minimum'}({a}, {b})"


@operation("clamp", "clip", "hardtanh", bounds=True)
def clamp(s: Scope) -> str:
    low, high = s.node.args[1:3]
    return clamped(s, low, high)


@operation("clamp_min", bounds=True)
def clamp_min(s: Scope) -> str:
    return clamped(s, s.node.args[1], None)


@operation("clamp_max", bounds=True)
def clamp_max(s: Scope) -> str:
    return clamped(s, None, s.node.args[1])


def clamped(s: Scope, low: Any, high: Any) -> str:
    """The first argument between two bounds, either of which may be None."""
    plain = all(isinstance(bound, int | float) for bound in (low, high))
    if plain and s.floating and low <= high:
        x, low_text, high_text = s.joined(s.node.args[0], low, high)
        return f"tl.clamp({x}, {low_text}, {high_text}, propagate_nan=tl.PropagateNan.ALL)"
    text = s.x()
    if low is not None:
        text = _larger(s, text, s.joined(s.node.args[0], low)[1])
    return text if high is None else _smaller(s, text, s.joined(s.node.args[0], high)[1])


def _larger(s: Scope, a: str, b: str) -> str:
    return maximum(a, b) if s.floating else f"tl.maximum({a}, {b})"


def _smaller(s: Scope, a: str, b: str) -> str:
    return minimum(a, b) if s.floating else f"tl.minimum({a}, {b})"


@operation("where", bounds=True)
def where(s: Scope) -> str:
    chosen, other = s.joined(*s.node.args[1:3])
    return f"tl.where({s.truth(0)}, {chosen}, {other})"


@operation("masked_fill", bounds=True)
def masked_fill(s: Scope) -> str:
    x, value = s.joined(s.node.args[0], s.node.args[2])
    return f"tl.where({s.truth(1)}, {value}, {x})"


@operation("lerp")
def lerp(s: Scope) -> str:
    weight = s.number(2)
    if weight is None:
        return s.forms.call("lerp", s.tensor(0), s.tensor(1), s.tensor(2))
    start, end = s.x(0), s.x(1)
    if abs(weight) < 0.5:
        return f"{start} + {s.x(2)} * ({end} - {start})"
    return f"{end} - ({end} - {start}) * {number(1 - weight, s.dtype)}"


@operation("addcmul")
def addcmul(s: Scope) -> str:
    return f"{s.x(0)} + {s.times(s.node.kwargs['value'], s.x(1))} * {s.x(2)}"


@operation("addcdiv")
def addcdiv(s: Scope) -> str:
    quotient = s.forms.divide(s.x(1), s.x(2))
    return f"{s.x(0)} + {s.times(s.node.kwargs['value'], quotient)}"
