"""Operations that normalise: the softmax family and the norms of torch.nn."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Ref
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder, factor
from pytest_kernelfalcon.generator.cookbook.row.composites import argument, composite, output

MINUS_INFINITY = float("-inf")


@composite("_softmax", "_log_softmax", "_safe_softmax", "softmax", "log_softmax")
def softmaxes(b: Builder) -> list[Ref]:
    """Less the largest of the row, so that nothing overflows. A row of -inf alone gives NaN, as in eager."""
    x, dims = b.node.args[0], b.dims(b.node.args[0], b.node.args[1])
    largest = b.reduce("max", x, dims, True, name="largest")
    shifted = b.do("sub.Tensor", x, largest, name="shifted")
    exp = b.do("exp.default", shifted, name="exp")
    total = b.reduce("sum", exp, dims, True, name="total")
    if "log" in b.node.base:
        return [
            output(b, b.do("sub.Tensor", shifted, b.do("log.default", total, name="log_total"), name="log_softmax"))
        ]
    softmax = b.do("div.Tensor", exp, total, name="softmax")
    if b.node.base == "_safe_softmax":
        empty = b.do("eq.Scalar", largest, MINUS_INFINITY, dtype="bool", name="empty")
        softmax = b.do("where.self", empty, 0.0, softmax, name="safe_softmax")
    return [output(b, softmax)]


@composite("logsumexp", "special_logsumexp")
def logsumexp(b: Builder) -> list[Ref]:
    """Of a row with an infinity, the infinity itself."""
    x, dims, keepdim = b.node.args[0], b.dims(b.node.args[0], b.node.args[1]), bool(argument(b, 2, False))
    largest = b.reduce("amax", x, dims, True, name="largest")
    exp = b.do("exp.default", b.do("sub.Tensor", x, largest, name="shifted"), name="exp")
    log_total = b.do("log.default", b.reduce("sum", exp, dims, True, name="total"), name="log_total")
    infinite = b.do("isinf.default", largest, dtype="bool", name="infinite")
    finite = b.do("add.Tensor", largest, log_total, name="finite")
    found = b.do("where.self", infinite, largest, finite, name="logsumexp")
    return [output(b, found if keepdim else b.squeezed(found, dims))]


def _scaled(b: Builder, x: Ref, weight: Ref | None, bias: Ref | None) -> Ref:
    if weight is not None:
        x = b.do("mul.Tensor", x, weight, name="scaled")
    return x if bias is None else b.do("add.Tensor", x, bias, name="shifted")


def _rstd(b: Builder, variance: Ref, eps: Any) -> Ref:
    return b.do("rsqrt.default", b.do("add.Scalar", variance, eps, name="variance_eps"), name="rstd")


def _normalised(b: Builder, x: Ref, dims: tuple[int, ...], eps: Any) -> tuple[Ref, Ref, Ref]:
    """(x - mean) / √(var + eps), the mean and the reciprocal root."""
    variance, mean, centred = b.variance(x, dims, True, 0)
    rstd = _rstd(b, variance, eps)
    return b.do("mul.Tensor", centred, rstd, name="normal"), mean, rstd


@composite("native_layer_norm")
def layer_norm(b: Builder) -> list[Ref]:
    x, shape, weight, bias, eps = b.node.args[:5]
    dims = tuple(range(b.rank(x) - len(shape), b.rank(x)))
    normal, mean, rstd = _normalised(b, x, dims, eps)
    return [output(b, _scaled(b, normal, weight, bias)), output(b, mean, 1), output(b, rstd, 2)]


@composite("_fused_rms_norm", "rms_norm")
def rms_norm(b: Builder) -> list[Ref]:
    x, shape, weight, eps = b.node.args[:4]
    dims = tuple(range(b.rank(x) - len(shape), b.rank(x)))
    mean = b.mean(b.do("mul.Tensor", x, x, name="square"), dims, True, name="mean_square")
    rstd = _rstd(b, mean, 1.1920928955078125e-07 if eps is None else eps)
    return [output(b, _scaled(b, b.do("mul.Tensor", x, rstd, name="normal"), weight, None)), rstd]


@composite("native_group_norm")
def group_norm(b: Builder) -> list[Ref]:
    x, weight, bias, _, _, _, groups, eps = b.node.args[:8]
    tensor = b.tensor(x)
    inner = tensor.shape[1] // groups
    size = inner if isinstance(tensor.sizes[1], int) else f"{factor(tensor.sizes[1])} // {groups}"
    shape, sizes = (groups, inner), (groups, size)
    rank = b.rank(x) + 1
    split = b.view(x, (tensor.shape[0], *shape, *tensor.shape[2:]), (tensor.sizes[0], *sizes, *tensor.sizes[2:]))
    normal, mean, rstd = _normalised(b, split, tuple(range(2, rank)), eps)
    ones = (1,) * (rank - 3)
    factors = [None if w is None else b.view(w, (*shape, *ones), (*sizes, *ones)) for w in (weight, bias)]
    y = output(b, _scaled(b, normal, *factors))
    flat = [b.view(ref, (tensor.shape[0], groups), (tensor.sizes[0], groups)) for ref in (mean, rstd)]
    return [b.view(y, tensor.shape, tensor.sizes), *flat]


@composite("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "batch_norm")
def batch_norm(b: Builder) -> list[Ref]:
    """By the batch's own statistics while training, else by those that the model holds."""
    x, weight, bias = b.node.args[:3]
    given = [value for value in b.node.args[3:] if isinstance(value, Ref)]
    numbers = [value for value in b.node.args[3:] if isinstance(value, bool | int | float | Expression)]
    training = b.node.base != "_native_batch_norm_legit_no_training" and bool(numbers[0])
    rank, eps = b.rank(x), numbers[-1] if b.node.base != "batch_norm" else numbers[-2]
    weight, bias = (None if w is None else b.aligned(w, 1, rank) for w in (weight, bias))
    if not training:
        mean, variance = (b.aligned(ref, 1, rank) for ref in given[:2])
        rstd = _rstd(b, variance, eps)
        normal = b.do("mul.Tensor", b.do("sub.Tensor", x, mean, name="centred"), rstd, name="normal")
        return [output(b, _scaled(b, normal, weight, bias))]
    dims = tuple(dim for dim in range(rank) if dim != 1)
    normal, mean, rstd = _normalised(b, x, dims, eps)
    tensor = b.tensor(x)
    flat = [b.view(ref, tensor.shape[1:2], tensor.sizes[1:2]) for ref in (mean, rstd)]
    return [output(b, _scaled(b, normal, weight, bias)), *flat]
