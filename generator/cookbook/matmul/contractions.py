"""Every contraction as a plain matrix product: `mm` of two matrices or `bmm` of two stacks, operations around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref, Tensor, replaced
from pytest_kernelfalcon.generator.cookbook.matmul.triangles import untriangled, with_kept
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import is_float
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder, contiguous, product

PRODUCTS = ("mm", "bmm")


def is_product(node: Node) -> bool:
    return node.computed and node.base in PRODUCTS


def contracts(node: Node) -> bool:
    """Whether it is a contraction in any form."""
    return node.computed and node.base in FORMS


class Writer(Builder):
    """ones: whether a size of 1 stays 1 at all sizes of the problem."""

    ones = False


def normalised(graph: Graph, *, ones: bool = False) -> Graph:
    """The same graph with every contraction in terms of `PRODUCTS`, sums of products, and pointwise operations.

    ones: see `Writer`.
    """
    nodes: dict[str, Node] = {}
    new: dict[Ref, Ref] = {}
    for node in graph.nodes.values():
        kwargs = {name: replaced(value, new) for name, value in node.kwargs.items()}
        node = replace(node, args=replaced(node.args, new), kwargs=kwargs)
        if contracts(node):
            writer = Writer(nodes, node, node.outputs[0].dtype)
            writer.ones = ones
            new[Ref(node.id)] = FORMS[node.base](writer)
        else:
            nodes[node.id] = node
    results = tuple(new.get(ref, ref) for ref in graph.results)
    mutated = {name: new.get(ref, ref) for name, ref in graph.mutated.items()}
    return with_kept(replace(graph, nodes=nodes, results=results, mutated=mutated), PRODUCTS)


def multiplied(b: Writer, left: Ref, right: Ref, dtype: str = "") -> Ref:
    """The product of two matrices, or of two stacks of as many, in the dtype of the operation's output."""
    dtype = dtype or b.node.outputs[0].dtype
    for diagonal, other, dim in ((left, right, -1), (right, left, -2)):
        if _is_diagonal(b.nodes[diagonal.node]):
            (values, *_) = b.nodes[diagonal.node].args
            return b.do("mul.Tensor", _with_one(b, values, dim), other, dtype=dtype, name="scaled")
    if _is_thin(b, right, -1):
        return _along(b, left, _transposed(b, right), -1, dtype)
    if _is_thin(b, left, -2):
        return _along(b, _transposed(b, left), right, -2, dtype)
    if not is_float(b.tensor(left).dtype):
        return _along(b, _with_one(b, left, -1), _with_one(b, right, -3), -2, dtype, keepdim=False)
    (left, lower), (right, upper) = untriangled(b, left), untriangled(b, right)
    rows, columns = b.tensor(left), b.tensor(right)
    triangles = {side: triangle for side, triangle in (("left", lower), ("right", upper)) if triangle}
    shape = (*rows.shape[:-1], columns.shape[-1])
    out = contiguous(shape, (*rows.sizes[:-1], columns.sizes[-1]), dtype)
    return b.add(f"aten.{'bmm' if len(shape) == 3 else 'mm'}.default", (left, right), out, name="product", **triangles)


def _along(b: Writer, left: Ref, right: Ref, dim: int, dtype: str, *, keepdim: bool = True) -> Ref:
    """The sum along a dimension of what two tensors, broadcast together, multiply to."""
    terms = b.do("mul.Tensor", left, right, dtype=dtype, name="term")
    return b.reduce("sum", terms, (b.rank(terms) + dim,), keepdim, name="product", dtype=dtype)


def _is_diagonal(node: Node) -> bool:
    return node.base == "diag_embed" and node.args[1] == 0 and node.args[2:] in ((-2, -1), (0, 1))


def _is_thin(b: Writer, ref: Ref, dim: int) -> bool:
    """Whether a matrix has one row or column only: by the operation before, if not at all sizes of the problem."""
    node, tensor = b.nodes[ref.node], b.tensor(ref)
    at = len(tensor.shape) + dim
    return tensor.sizes[at] == 1 and (
        b.ones
        or (node.base == "unsqueeze" and node.args[1] % len(tensor.shape) == at)
        or (node.base in ("view", "_unsafe_view") and node.args[1][at] == 1)
    )


def _with_one(b: Writer, ref: Ref, dim: int) -> Ref:
    """The tensor with a dimension of size 1, the `dim`th of the result."""
    tensor = b.tensor(ref)
    at = len(tensor.shape) + 1 + dim

    def put(values: tuple[Any, ...], value: int) -> tuple[Any, ...]:
        return (*values[:at], value, *values[at:])

    output = Tensor(put(tensor.shape, 1), put(tensor.sizes, 1), put(tensor.stride, 0), tensor.dtype)
    return b.add("aten.unsqueeze.default", (ref, at), output)


def _product(b: Writer) -> Ref:
    left, right = b.node.args[:2]
    return multiplied(b, left, right)


def _added(b: Writer) -> Ref:
    """beta · self + alpha · (a @ b)."""
    base, left, right = b.node.args
    return _blended(b, base, multiplied(b, left, right))


def _vector_added(b: Writer) -> Ref:
    base, matrix, vector = b.node.args
    return _blended(b, base, _matrix_vector(b, matrix, vector))


def _blended(b: Writer, base: Ref, product: Ref) -> Ref:
    dtype, alpha, beta = b.node.outputs[0].dtype, b.node.kwargs["alpha"], b.node.kwargs["beta"]
    if alpha != 1:
        product = b.do("mul.Tensor", product, alpha, dtype=dtype, name="scaled")
    if beta == 0:
        return product
    if beta != 1:
        base = b.do("mul.Tensor", base, beta, dtype=dtype, name="base")
    return b.do("add.Tensor", product, base, dtype=dtype, name="biased", alpha=1)


def _mv(b: Writer) -> Ref:
    matrix, vector = b.node.args
    return _matrix_vector(b, matrix, vector)


def _matrix_vector(b: Writer, matrix: Ref, vector: Ref) -> Ref:
    """A sum along each row: there is no tile of the vector for a tensor core to work on."""
    dtype = b.node.outputs[0].dtype
    terms = b.do("mul.Tensor", matrix, vector, dtype=dtype, name="term")
    return b.reduce("sum", terms, (b.rank(terms) - 1,), False, name="product", dtype=dtype)


def _attention(b: Writer) -> Ref:
    """softmax(q @ kᵀ · scale + mask) @ v over the keys; scores of half types stay in float32."""
    query, key, value, dropout, causal = b.node.args[:5]
    mask, scale = b.node.kwargs["attn_mask"], b.node.kwargs["scale"]
    if dropout:
        raise Unplaced(f"{b.node.op} with dropout")
    width, size = b.tensor(query).shape[-1], b.tensor(query).sizes[-1]
    root = width**-0.5 if isinstance(size, int) else Expression(f"({size}) ** -0.5", width**-0.5)
    scores = multiplied(b, _stacked(b, query), _transposed(b, _stacked(b, key)), b.dtype)
    scores = b.do("mul.Tensor", scores, root if scale is None else scale, name="scaled")
    rows, columns = b.tensor(query), b.tensor(key)
    apart = (*rows.shape[:-1], columns.shape[-2]), (*rows.sizes[:-1], columns.sizes[-2])
    scores = b.view(scores, *apart)
    if mask is not None and b.tensor(mask).dtype == "bool":
        scores = b.do("where.self", mask, scores, -math.inf, name="masked")
    elif mask is not None:
        scores = b.do("add.Tensor", scores, mask, name="masked", alpha=1)
    if causal:
        rank = len(apart[0])
        row = b.aligned(b.index(apart[0][-2], apart[1][-2]), rank - 2, rank)
        seen = b.do("le.Tensor", b.index(apart[0][-1], apart[1][-1]), row, dtype="bool", name="seen")
        scores = b.do("where.self", seen, scores, -math.inf, name="masked")
    weights = b.add("aten._softmax.default", (scores, -1, False), contiguous(*apart, b.dtype), name="weights")
    weights = b.last(weights, b.tensor(value).dtype)
    result = multiplied(b, _stacked(b, weights), _stacked(b, value))
    return b.view(result, b.node.outputs[0].shape, b.node.outputs[0].sizes)


def _stacked(b: Writer, ref: Ref) -> Ref:
    """All dimensions but the last two as one."""
    tensor = b.tensor(ref)
    count = math.prod(tensor.shape[:-2]), product(tensor.sizes[:-2])
    return b.view(ref, (count[0], *tensor.shape[-2:]), (count[1], *tensor.sizes[-2:]))


def _transposed(b: Writer, ref: Ref) -> Ref:
    """A matrix, or each of a stack, transposed."""
    old = b.tensor(ref)

    def turned(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*values[:-2], values[-1], values[-2])

    new = Tensor(turned(old.shape), turned(old.sizes), turned(old.stride), old.dtype)
    return b.add("aten.transpose.int", (ref, len(old.shape) - 2, len(old.shape) - 1), new)


FORMS: dict[str, Callable[[Writer], Ref]] = {
    "mm": _product, "bmm": _product, "addmm": _added, "baddbmm": _added, "addmv": _vector_added, "mv": _mv, "dot": _mv,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
}  # fmt: skip
"""Contraction → what writes it in other terms."""
