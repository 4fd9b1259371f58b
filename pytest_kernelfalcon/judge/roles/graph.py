"""What a model computes, as a functional graph of ATen operations in JSON: what recipes match on.

    {"nodes": [{"id", "op", "args", "kwargs", "outputs", "common"}…], "inputs": {access: id}, "state": {arg: id},
     "results": [ref…], "mutated": {access: ref}, "updated": {arg: ref}}

nodes: in order of execution; `op` is "input", "scalar", "state", "constant" or an ATen overload (`aten.add.Tensor`)
    with every argument of its schema: `args` the positional ones, `kwargs` the keyword-only ones, defaults filled in.
args: literals; lists; {"ref": id} or {"ref": id, "output": k}; {"dtype"}, {"device"}, {"layout"}, {"memory_format"} by
    name; {"float": "inf" | "-inf" | "nan"}; {"expression": text, "value": v} for a number that depends on sizes or on
    scalar inputs.
outputs: one {"shape", "sizes", "stride", "dtype"} a tensor; `sizes` says how the shape follows from the inputs': a
    number that never changes, or an expression. Expressions are Python over the ids of inputs: "n0.shape[1] // 2".
common: the dtype that type promotion gives the operands together, which a comparison's output does not show.
inputs: `access` is the parameter of `forward` with its subscripts ("x", "pair[0]"). mutated: what `forward` leaves in
    an input that it changes; updated: the same for state. A "constant" is a tensor that is no input and no state:
    "value" is its value if it has one element, else null.

Sizes above 1 and plain numbers among the inputs stay symbolic. Where Python needs a number's value (a branch, a shape),
that value is part of the graph, and so it is for every number if the model cannot be traced otherwise.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import fx, nn
from torch._decomp import get_decompositions
from torch._dispatch.python import enable_python_dispatcher
from torch.func import functionalize
from torch.fx.experimental.proxy_tensor import make_fx

from pytest_kernelfalcon.contracts.trees import encode
from pytest_kernelfalcon.judge.roles.graph_inputs import Feeds, placed, rebuild
from pytest_kernelfalcon.judge.roles.graph_json import Writer
from pytest_kernelfalcon.judge.roles.held import Held

aten = torch.ops.aten

DECOMPOSED = [
    aten.glu, aten.mse_loss, aten.huber_loss, aten.smooth_l1_loss, aten.soft_margin_loss, aten.binary_cross_entropy,
    aten.binary_cross_entropy_with_logits, aten.nan_to_num, aten.logit, aten.sinc, aten.special_entr, aten.special_ndtr,
    aten.special_xlog1py, aten.xlogy, aten.heaviside, aten.deg2rad, aten.rad2deg, aten.isposinf, aten.isneginf,
    aten.rsub, aten.ldexp, aten.frac, aten.native_dropout, aten.t,
]  # fmt: skip
"""Operations that torch's own table expresses in commoner ones. Others stay whole: recipes know better forms."""


@dataclass(frozen=True)
class Attempt:
    """How to trace: with symbolic sizes, symbolic numbers, and torch's Python forms of what its C++ cannot do with
    symbols (they take some activations apart, which recipes know better forms for)."""

    sizes: bool
    numbers: bool
    python: bool


ATTEMPTS = (
    Attempt(True, True, False),
    Attempt(True, True, True),
    Attempt(False, True, False),
    Attempt(False, False, False),
)


class Untraceable(Exception):
    """The forward has no graph: it looks at values, or calls what cannot be traced. `str()` says what."""


def capture(model: nn.Module, inputs: Sequence[Any], held: Sequence[Held]) -> dict[str, Any]:
    """The graph of `model(*inputs)`; the model is left as it was, and no tensor's values are read.

    Raises `Untraceable`.
    """
    reasons: list[Exception] = []
    for attempt in ATTEMPTS:
        feeds = Feeds(model, inputs, held, sizes=attempt.sizes, numbers=attempt.numbers)
        try:
            traced = _trace(model, inputs, held, feeds, attempt)
            return Writer(feeds, traced).graph()
        except Exception as error:  # a forward may raise anything; the last attempt has the fewest symbols to blame
            reasons.append(error)
    raise Untraceable(f"{type(reasons[-1]).__name__}: {reasons[-1]}"[:500]) from reasons[-1]


def _trace(
    model: nn.Module, inputs: Sequence[Any], held: Sequence[Held], feeds: Feeds, attempt: Attempt
) -> fx.GraphModule:
    def flat(*values: Any) -> list[torch.Tensor]:
        inputs_given, state_given = feeds.given(values)
        tensors: list[torch.Tensor] = []

        def keep(value: Any) -> dict[str, Any] | None:
            if not isinstance(value, torch.Tensor):
                return None
            tensors.append(value)
            return {}

        with placed(model, held, state_given):
            encode(model(*rebuild(feeds.names, inputs, inputs_given)), keep)
        return tensors

    table: dict[Any, Callable[..., Any]] = get_decompositions(DECOMPOSED)
    traced = make_fx(functionalize(flat), table, tracing_mode="real", _allow_non_fake_inputs=True)
    symbolic = mock.patch.object(math, "sqrt", _sqrt(math.sqrt))
    dispatcher = enable_python_dispatcher() if attempt.python else nullcontext()
    linear = mock.patch.object(nn.functional, "linear", _linear)
    with feeds.mode, torch.no_grad(), dispatcher, symbolic, linear, _quiet():
        graph: fx.GraphModule = traced(*(feed.value for feed in feeds.all))
    return graph


def _quiet() -> AbstractContextManager[object]:
    """Torch logs what it raises where sizes are symbolic; another attempt may follow."""
    return mock.patch.object(logging.getLogger("torch._subclasses.fake_tensor"), "disabled", True)


def _sqrt(plain: Callable[[Any], float]) -> Callable[[Any], Any]:
    """`math.sqrt` that keeps a symbolic size symbolic: dividing by the root of a width is common."""
    return lambda value: value**0.5 if isinstance(value, torch.SymInt | torch.SymFloat) else plain(value)


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """`F.linear`, whose C++ takes symbolic sizes for numbers where it adds a bias to more than two dimensions."""
    plain = torch._C._nn.linear
    return plain(x, weight, bias) if bias is None or x.dim() < 3 else plain(x, weight) + bias
