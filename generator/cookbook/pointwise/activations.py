"""torch.nn's activations."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.generator.cookbook.pointwise.choices import clamped
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Scope, operation
from pytest_kernelfalcon.generator.cookbook.pointwise.text import number


@operation("relu")
def relu(s: Scope) -> str:
    return clamped(s, 0, None)


@operation("sigmoid")
def sigmoid(s: Scope) -> str:
    return s.forms.call("sigmoid", s.x()) if s.forms.exact else f"tl.sigmoid({s.x()})"


@operation("silu", "mish")
def smooth(s: Scope) -> str:
    return s.forms.call(s.node.base, s.x())


@operation("log_sigmoid_forward")
def log_sigmoid(s: Scope) -> str:
    return s.forms.call("log_sigmoid", s.x())


@operation("gelu")
def gelu(s: Scope) -> str:
    return s.forms.call("gelu_tanh" if s.node.kwargs["approximate"] == "tanh" else "gelu", s.x())


@operation("softplus")
def softplus(s: Scope) -> str:
    return s.forms.call("softplus", s.x(0), s.x(1), s.x(2))


@operation("elu")
def elu(s: Scope) -> str:
    alpha, scale, input_scale = (s.number(k) for k in (1, 2, 3))
    return _exponential(s, s.times(scale, s.x()), alpha * scale, s.times(input_scale, s.x()))


@operation("celu")
def celu(s: Scope) -> str:
    alpha = s.number(1)
    argument = s.x() if alpha == 1 else s.forms.divide(s.x(), number(alpha, s.dtype))
    return _exponential(s, s.x(), alpha, argument)


def _exponential(s: Scope, positive: str, factor: Any, argument: str) -> str:
    return f"tl.where({s.x()} > 0, {positive}, {s.times(factor, s.forms.unary('expm1', argument))})"


@operation("hardsigmoid")
def hardsigmoid(s: Scope) -> str:
    return s.forms.divide(_gate(s), "6.0")


@operation("hardswish")
def hardswish(s: Scope) -> str:
    return s.forms.divide(f"{s.x()} * {_gate(s)}", "6.0")


def _gate(s: Scope) -> str:
    return s.forms.call("clamp", f"{s.x()} + 3.0", "0.0", "6.0")


@operation("leaky_relu")
def leaky_relu(s: Scope) -> str:
    return f"tl.where({s.x()} > 0, {s.x()}, {s.x()} * {s.x(1)})"


@operation("rrelu_with_noise", "rrelu_with_noise_functional", uses=(0,))
def rrelu(s: Scope) -> str:
    """In eval mode alone: in train mode it is random."""
    if s.node.args[4]:
        raise s.unplaced()
    return f"tl.where({s.x()} > 0, {s.x()}, {s.x()} * {number((s.number(2) + s.number(3)) / 2, s.dtype)})"


@operation("_prelu_kernel")
def prelu(s: Scope) -> str:
    return f"tl.where({s.x(0)} > 0, {s.x(0)}, {s.x(1)} * {s.x(0)})"


@operation("threshold")
def threshold(s: Scope) -> str:
    x, value = s.joined(s.node.args[0], s.node.args[2])
    return f"tl.where({x} <= {s.x(1)}, {value}, {x})"


@operation("hardshrink", rounds="always")
def hardshrink(s: Scope) -> str:
    return f"tl.where(tl.abs({s.x(0)}) <= {s.x(1)}, 0.0, {s.x(0)})"


@operation("softshrink", rounds="always")
def softshrink(s: Scope) -> str:
    return s.forms.call("softshrink", s.x(0), s.x(1))
