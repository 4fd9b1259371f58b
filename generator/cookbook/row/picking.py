"""Operations that choose elements by their position: labels, triangles, ranges."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder
from pytest_kernelfalcon.generator.cookbook.row.composites import composite, output


def _expanded(b: Builder, ref: Ref, dim: int) -> Ref:
    """`ref` with a dimension of size 1 put in."""
    tensor = b.tensor(ref)
    shape, sizes = list(tensor.shape), list(tensor.sizes)
    return b.view(ref, [*shape[:dim], 1, *shape[dim:]], [*sizes[:dim], 1, *sizes[dim:]])


def _position(b: Builder, ref: Ref, dim: int) -> Ref:
    """The position along a dimension of `ref`, to be broadcast with it."""
    tensor = b.tensor(ref)
    return b.aligned(b.index(tensor.shape[dim], tensor.sizes[dim]), dim, b.rank(ref))


def _picked(b: Builder, x: Ref, dim: int, label: Ref, name: str) -> Ref:
    """x at `label` along `dim`: the sum of what a comparison leaves, which reads nothing outside of x."""
    hit = b.do("eq.Tensor", _position(b, x, dim), label, dtype="bool", name="hit")
    kind = b.tensor(x).dtype
    chosen = b.do("where.self", hit, x, 0, name="chosen", dtype=kind)
    return b.reduce("sum", chosen, (dim,), True, name=name, dtype=kind)


@composite("nll_loss_forward", "nll_loss2d_forward")
def nll_loss(b: Builder) -> list[Ref]:
    """Each row's own label, with weights; rows of the label `ignore_index` count nothing."""
    x, target, weight, reduction, ignored = b.node.args[:5]
    dim = 1 if b.rank(x) > 1 else 0
    apart = b.rank(target) < b.rank(x)
    label = _expanded(b, target, dim) if apart else target
    picked = _picked(b, x, dim, label, "picked")
    counted = b.do("ne.Scalar", target, ignored, dtype="bool", name="counted")
    loss = b.do("neg.default", b.squeezed(picked, [dim]) if apart else picked, name="loss")
    share: Any = 1.0
    if weight is not None:
        row = b.aligned(weight, dim, b.rank(x))
        like = b.do("where.self", b.do("eq.Tensor", _position(b, x, dim), label, dtype="bool", name="hit"), row, 0.0)
        share = b.reduce("sum", like, (dim,), not apart, name="weight")
        loss = b.do("mul.Tensor", loss, share, name="weighted")
    loss = b.do("where.self", counted, loss, 0.0, name="row_loss")
    if reduction == 0:
        return [output(b, loss), b.do("full.default", (), 0.0)]
    everything = tuple(range(b.rank(loss)))
    total = b.reduce("sum", loss, everything, False, name="total")
    weights = b.reduce("sum", b.do("where.self", counted, share, 0.0, name="share"), everything, False, name="weights")
    mean = b.do("div.Tensor", total, weights, name="mean") if reduction == 1 else total
    return [output(b, mean), output(b, weights, 1)]


@composite("gather")
def gather(b: Builder) -> list[Ref]:
    """One element of each row."""
    x, dim, index = b.node.args[:3]
    dim %= max(b.rank(x), 1)
    shape, chosen = b.tensor(x).shape, b.tensor(index).shape
    if not shape or chosen[dim] != 1 or any(chosen[d] != shape[d] for d in range(len(shape)) if d != dim):
        raise Unplaced(b.node.op)
    return [_picked(b, x, dim, index, "picked")]


@composite("triu", "tril")
def triangle(b: Builder) -> list[Ref]:
    x, diagonal = b.node.args[0], b.node.args[1]
    rank, kind = b.rank(x), b.tensor(x).dtype
    row, column = (_position(b, x, dim) for dim in (rank - 2, rank - 1))
    distance = b.do("sub.Tensor", column, row, name="diagonal", dtype="int64")
    compare = "ge.Scalar" if b.node.base == "triu" else "le.Scalar"
    inside = b.do(compare, distance, diagonal, dtype="bool", name="inside")
    return [b.do("where.self", inside, x, 0, dtype=kind, name=b.node.base)]


@composite("arange")
def arange(b: Builder) -> list[Ref]:
    """start, start + step, …"""
    given = [value for value in b.node.args if isinstance(value, int | float | Expression)]
    start, step = (given[0] if len(given) > 1 else 0), (given[2] if len(given) > 2 else 1)
    tensor = b.node.outputs[0]
    ref = b.index(tensor.shape[0], tensor.sizes[0])
    ref = b.last(ref, tensor.dtype)
    if step != 1:
        ref = b.do("mul.Tensor", ref, step, dtype=tensor.dtype)
    return [ref if start == 0 else b.do("add.Tensor", ref, start, dtype=tensor.dtype)]
