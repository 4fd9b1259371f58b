"""Arithmetic, functions and rounding."""

from __future__ import annotations

from pytest_kernelfalcon.generator.cookbook.pointwise.table import Scope, operation
from pytest_kernelfalcon.generator.cookbook.pointwise.text import number


@operation("add", rounds="on the CPU")
def add(s: Scope) -> str:
    return f"{s.x(0)} | {s.x(1)}" if s.dtype == "bool" else f"{s.x(0)} + {_scaled(s)}"


@operation("sub", rounds="on the CPU")
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


@operation("floor_divide")
def floor_divide(s: Scope) -> str:
    return s.forms.call("floor_divide" if s.floating else "floor_divide_int", s.tensor(0), s.tensor(1))


@operation("remainder", rounds="always")
def remainder(s: Scope) -> str:
    return s.forms.call("remainder" if s.floating else "remainder_int", s.tensor(0), s.tensor(1))


@operation("fmod", rounds="always")
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


@operation("atan2", "copysign", "hypot", rounds="always")
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
