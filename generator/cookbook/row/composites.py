"""The table of operations that are made of reductions, and the plain reductions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder

RESULT = {
    "sum": "total", "nansum": "total", "prod": "product", "amax": "largest", "amin": "smallest", "max": "largest",
    "min": "smallest", "argmax": "largest", "argmin": "smallest", "any": "found", "all": "every",
}  # fmt: skip
"""What a reduction's result is called: not as Python's own functions are."""

Write = Callable[[Builder], Sequence[Ref]]
COMPOSITES: dict[str, Write] = {}
"""By base name: what gives the operation's outputs."""


def composite(*names: str) -> Callable[[Write], Write]:
    """Registers what writes the operations of these names."""

    def register(write: Write) -> Write:
        COMPOSITES.update(dict.fromkeys(names, write))
        return write

    return register


def argument(b: Builder, k: int, default: Any = None) -> Any:
    """Positional argument `k`, if the overload has that many."""
    return b.node.args[k] if len(b.node.args) > k else default


def output(b: Builder, ref: Ref, k: int = 0) -> Ref:
    return b.last(ref, b.node.outputs[k].dtype)


@composite("sum", "nansum", "prod", "mean")
def sums(b: Builder) -> list[Ref]:
    x, dims, keepdim = b.node.args[0], b.dims(b.node.args[0], argument(b, 1)), bool(argument(b, 2, False))
    if b.node.base == "nansum":
        x = b.do("where.self", b.do("isnan.default", x, dtype="bool"), 0.0, x, name="counted")
    if b.node.base == "mean":
        return [output(b, b.mean(x, dims, keepdim))]
    return [output(b, b.reduce("prod" if b.node.base == "prod" else "sum", x, dims, keepdim, name=RESULT[b.node.base]))]


@composite("amax", "amin", "any", "all")
def plain(b: Builder) -> list[Ref]:
    x, dims, keepdim = b.node.args[0], b.dims(b.node.args[0], argument(b, 1)), bool(argument(b, 2, False))
    kind = "bool" if b.node.base in ("any", "all") else b.tensor(x).dtype
    reduced = b.reduce(b.node.base, x, dims, keepdim, name=RESULT[b.node.base], dtype=kind)
    return [output(b, reduced)]


@composite("max", "min")
def extremes(b: Builder) -> list[Ref]:
    """With the position where a dimension is given, else of all elements."""
    x, kind, word = b.node.args[0], b.tensor(b.node.args[0]).dtype, b.node.base
    if len(b.node.args) == 1:
        return [b.reduce(f"a{word}", x, b.dims(x, None), False, name=RESULT[word], dtype=kind)]
    if isinstance(b.node.args[1], Ref):
        return [b.do(f"{word}imum.default", *b.node.args[:2], dtype=b.node.outputs[0].dtype)]
    return b.reduced(f"arg{word}", x, b.dims(x, b.node.args[1]), bool(argument(b, 2)), name=RESULT[word], dtype=kind)


@composite("adaptive_max_pool2d", "adaptive_max_pool3d")
def whole_pool(b: Builder) -> list[Ref]:
    """To one value a channel."""
    x, size = b.node.args[:2]
    if any(n != 1 for n in size):
        raise Unplaced(b.node.op)
    dims = tuple(range(b.rank(x) - len(size), b.rank(x)))
    return b.reduced("argmax", x, dims, True, name="largest", dtype=b.tensor(x).dtype)


@composite("argmax", "argmin")
def positions(b: Builder) -> list[Ref]:
    x = b.node.args[0]
    dims, keepdim = b.dims(x, argument(b, 1)), bool(argument(b, 2, False))
    return b.reduced(b.node.base, x, dims, keepdim, name=RESULT[b.node.base], dtype=b.tensor(x).dtype)[1:]


@composite("aminmax")
def both_extremes(b: Builder) -> list[Ref]:
    x, dim, keepdim = b.node.args[0], b.node.kwargs["dim"], bool(b.node.kwargs["keepdim"])
    kind = b.tensor(x).dtype
    return [b.reduce(word, x, b.dims(x, dim), keepdim, name=RESULT[word], dtype=kind) for word in ("amin", "amax")]


@composite("count_nonzero")
def count_nonzero(b: Builder) -> list[Ref]:
    x = b.node.args[0]
    truth = b.do("ne.Scalar", x, 0, dtype="bool", name="counted")
    return [b.reduce("sum", truth, b.dims(x, argument(b, 1)), False, name="count", dtype="int64")]


@composite("var", "std", "var_mean", "std_mean")
def spreads(b: Builder) -> list[Ref]:
    x, correction = b.node.args[0], b.node.kwargs.get("correction", 1)
    if len(b.node.args) > 1 and isinstance(b.node.args[1], bool):
        raise Unplaced(b.node.op)
    dims, keepdim = b.dims(x, argument(b, 1)), bool(b.node.kwargs.get("keepdim", False))
    variance, mean, _ = b.variance(x, dims, keepdim, 1 if correction is None else correction)
    spread = b.do("sqrt.default", variance, name="deviation") if b.node.base.startswith("std") else variance
    if not b.node.base.endswith("mean"):
        return [output(b, spread)]
    return [output(b, spread), output(b, mean if keepdim else b.squeezed(mean, dims), 1)]


@composite("linalg_vector_norm", "norm", "dist")
def norms(b: Builder) -> list[Ref]:
    """The norm of order 0, 1, 2, any other, or of an infinity: of all elements, or along dimensions."""
    x, order, dims, keepdim = b.node.args[0], argument(b, 1, 2), argument(b, 2), bool(argument(b, 3, False))
    if b.node.base == "dist":
        x, order, dims, keepdim = b.do("sub.Tensor", *b.node.args[:2], name="difference"), argument(b, 2), None, False
    return [output(b, vector_norm(b, x, 2 if order is None else order, b.dims(x, dims), keepdim))]


def vector_norm(b: Builder, x: Ref, order: float, dims: Sequence[int], keepdim: bool) -> Ref:
    if order == 2:
        squares = b.reduce("sum", b.do("mul.Tensor", x, x, name="square"), dims, keepdim, name="squares")
        return b.do("sqrt.default", squares, name="norm")
    if order == 0:
        return b.reduce("sum", b.do("ne.Scalar", x, 0, dtype="bool"), dims, keepdim, name="norm")
    size = b.do("abs.default", x, name="magnitude")
    if math.isinf(order):
        return b.reduce("amax" if order > 0 else "amin", size, dims, keepdim, name="norm")
    if order == 1:
        return b.reduce("sum", size, dims, keepdim, name="norm")
    total = b.reduce("sum", b.do("pow.Tensor_Scalar", size, order, name="power"), dims, keepdim, name="powers")
    return b.do("pow.Tensor_Scalar", total, 1.0 / order, name="norm")
