"""How a kernel computes a function: as accurately as eager does, or fast; and the helpers that longer forms need."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

UNARY = {
    "exp": ("libdevice.exp", "tl.exp"), "exp2": ("libdevice.exp2", "tl.exp2"), "log": ("libdevice.log", "tl.log"),
    "log2": ("libdevice.log2", "tl.log2"), "sin": ("libdevice.sin", "tl.sin"), "cos": ("libdevice.cos", "tl.cos"),
    "erf": ("tl.erf", "tl.erf"), "floor": ("tl.floor", "tl.floor"), "ceil": ("tl.ceil", "tl.ceil"),
    "rsqrt": ("libdevice.rsqrt", "tl.rsqrt"),
} | {
    name: (f"libdevice.{name}", f"libdevice.{name}")
    for name in (
        "acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "erfc", "erfinv", "expm1", "lgamma", "log10",
        "log1p", "rint", "sinh", "tan", "tanh", "trunc",
    )
}  # fmt: skip
"""Function → (accurate, fast). Triton's own exp, log, sin and cos are approximations on a GPU."""


INFINITY = 'float("inf")'


@dataclass
class Numerics:
    """The functions of one module. helpers: source by name, in order of definition.

    exact: accurate rather than fast.
    """

    exact: bool
    helpers: dict[str, str] = field(default_factory=dict)

    def of(self, dtype: str) -> Forms:
        return Forms(self, double=dtype == "float64")


@dataclass(frozen=True)
class Forms:
    """Expressions in one type. double: float64, where division and roots are exact anyway."""

    module: Numerics
    double: bool

    @property
    def exact(self) -> bool:
        return self.module.exact

    def unary(self, name: str, x: str) -> str:
        return f"{UNARY[name][0 if self.exact else 1]}({x})"

    def divide(self, a: str, b: str) -> str:
        return f"tl.div_rn({a}, {b})" if self.exact and not self.double else f"{_atom(a)} / {_atom(b)}"

    def sqrt(self, x: str) -> str:
        return f"tl.sqrt_rn({x})" if self.exact and not self.double else f"tl.sqrt({x})"

    def grown(self, x: str) -> str:
        """1 + exp(x)."""
        return f"1.0 + {self.unary('exp', x)}"

    def call(self, helper: str, *args: str) -> str:
        """A call of a helper, which the module then defines."""
        name = f"_{helper}_f64" if self.double else f"_{helper}"
        if name not in self.module.helpers:
            signature, *body = HELPERS[helper](self)
            lines = (f"    {line}\n" for line in body)
            self.module.helpers[name] = f"@triton.jit\ndef {name}({signature}):\n{''.join(lines)}"
        return f"{name}({', '.join(args)})"


def _atom(text: str) -> str:
    """`text`, in parentheses where it is a sum or a product."""
    return f"({text})" if " " in re.sub(r"\(.*\)", "", text) or text.startswith("-") else text


def maximum(a: str, b: str) -> str:
    return f"tl.maximum({a}, {b}, propagate_nan=tl.PropagateNan.ALL)"


def minimum(a: str, b: str) -> str:
    return f"tl.minimum({a}, {b}, propagate_nan=tl.PropagateNan.ALL)"


def _sigmoid(f: Forms) -> list[str]:
    return ["x", f"return {f.divide('1.0', f.grown('-x'))}"]


def _silu(f: Forms) -> list[str]:
    return ["x", f"return {f.divide('x', f.grown('-x'))}" if f.exact else "return x * tl.sigmoid(x)"]


def _softplus(f: Forms) -> list[str]:
    smooth = f.unary("log1p", f.unary("exp", "scaled"))
    return [
        "x, beta, threshold",
        "scaled = x * beta",
        f"return tl.where(scaled > threshold, x, {f.divide(smooth, 'beta')})",
    ]


def _log_sigmoid(f: Forms) -> list[str]:
    return ["x", f"return {minimum('x', '0.0')} - {f.unary('log1p', f.unary('exp', '-tl.abs(x)'))}"]


def _gelu(f: Forms) -> list[str]:
    root = "tl.full((), 0.7071067811865476, tl.float64)" if f.double else "0.7071067811865476"
    return ["x", f"return 0.5 * x * (1.0 + tl.erf(x * {root}))"]


def _gelu_tanh(f: Forms) -> list[str]:
    inner = "inner = 0.7978845608028654 * (x + 0.044715 * x * x * x)"
    form = "0.5 * x * (1.0 + libdevice.tanh(inner))" if f.exact else "x * tl.sigmoid(2.0 * inner)"
    return ["x", inner, f"return {form}"]


def _mish(f: Forms) -> list[str]:
    if f.exact:
        return ["x", "return x * libdevice.tanh(libdevice.log1p(libdevice.exp(x)))"]
    return [
        "x",
        "grown = tl.exp(tl.minimum(x, 20.0))",
        "ratio = grown * (grown + 2.0)",
        "return x * (ratio / (ratio + 2.0))",
    ]


def _clamp(_: Forms) -> list[str]:
    """Not tl.clamp: Triton 3.6 cannot compile that for sm_90 with bounds of one magnitude."""
    raised = maximum("x", "low")
    return ["x, low, high", f"return {minimum(raised, 'high')}"]


def _softshrink(_: Forms) -> list[str]:
    return [
        "x, width",
        "inside = tl.where(x == x, 0.0, x)  # NaN stays NaN",
        "return tl.where(x > width, x - width, tl.where(x < -width, x + width, inside))",
    ]


def _floor_divide(f: Forms) -> list[str]:
    return [
        "a, b",
        "# as Python does: the quotient of what the remainder leaves, not the floor of a rounded quotient",
        "remainder = libdevice.fmod(a, b)",
        f"quotient = {f.divide('a - remainder', 'b')}",
        "quotient = tl.where((remainder != 0) & ((b < 0) != (remainder < 0)), quotient - 1.0, quotient)",
        "floored = tl.floor(quotient)",
        "floored = tl.where(quotient - floored > 0.5, floored + 1.0, floored)",
        f"return tl.where(b == 0, {f.divide('a', 'b')}, floored)",
    ]


def _remainder(_: Forms) -> list[str]:
    return [
        "a, b",
        "# the sign of the divisor, as in Python",
        "remainder = libdevice.fmod(a, b)",
        "return tl.where((remainder != 0) & ((b < 0) != (remainder < 0)), remainder + b, remainder)",
    ]


def _floor_divide_int(_: Forms) -> list[str]:
    return [
        "a, b",
        "# Triton's // rounds towards zero",
        "quotient = a // b",
        "return tl.where((quotient * b != a) & ((a < 0) != (b < 0)), quotient - 1, quotient)",
    ]


def _remainder_int(_: Forms) -> list[str]:
    return [
        "a, b",
        "# Triton's % takes the sign of the dividend",
        "remainder = a % b",
        "return tl.where((remainder != 0) & ((remainder < 0) != (b < 0)), remainder + b, remainder)",
    ]


def _int_pow(_: Forms) -> list[str]:
    return [
        "base, exponent: tl.constexpr",
        "result = base",
        "for _ in tl.static_range(exponent - 1):",
        "    result = result * base",
        "return result",
    ]


def _lerp(_: Forms) -> list[str]:
    return [
        "start, end, weight",
        "near_start = start + weight * (end - start)",
        "near_end = end - (end - start) * (1.0 - weight)",
        "return tl.where(tl.abs(weight) < 0.5, near_start, near_end)",
    ]


def _logaddexp(f: Forms) -> list[str]:
    sum_ = f"{maximum('a', 'b')} + {f.unary('log1p', f.unary('exp', '-tl.abs(a - b)'))}"
    return ["a, b", f"return tl.where((a == b) & (tl.abs(a) == {INFINITY}), a, {sum_})"]


def _signbit(f: Forms) -> list[str]:
    return ["x", f"return x.to({'tl.int64' if f.double else 'tl.int32'}, bitcast=True) < 0"]


HELPERS: dict[str, Callable[[Forms], list[str]]] = {
    "sigmoid": _sigmoid, "silu": _silu, "softplus": _softplus, "log_sigmoid": _log_sigmoid, "gelu": _gelu,
    "gelu_tanh": _gelu_tanh, "mish": _mish, "softshrink": _softshrink, "floor_divide": _floor_divide,
    "remainder": _remainder, "floor_divide_int": _floor_divide_int, "remainder_int": _remainder_int,
    "clamp": _clamp, "int_pow": _int_pow, "lerp": _lerp, "logaddexp": _logaddexp, "signbit": _signbit,
}  # fmt: skip
"""Name → the helper's parameters, then the lines of its body."""
