"""Triangular operands: what `tril` and `triu` leave out is masked where the operand is read."""

from __future__ import annotations

from pytest_kernelfalcon.generator.cookbook.graph import Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.body import Triangle
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder

OTHER = {"tril": "triu", "triu": "tril"}
KEEPS = ("expand", "clone", "view", "_unsafe_view", "unsqueeze")
"""Operations that leave matrices as they are where the last two sizes stay."""


def untriangled(b: Builder, ref: Ref) -> tuple[Ref, Triangle | None]:
    """The operand without its `tril` or `triu`, and that; the views after it are made anew."""
    views: list[Node] = []
    at, node = ref, b.nodes[ref.node]
    while _turns(b, node) or _keeps(b, node):
        views.append(node)
        at, node = node.args[0], b.nodes[node.args[0].node]
    if node.base not in OTHER or not isinstance(node.args[1], int):
        return ref, None
    at, (kind, diagonal) = node.args[0], (node.base, node.args[1])
    for view in reversed(views):
        kind, diagonal = (OTHER[kind], -diagonal) if _turns(b, view) else (kind, diagonal)
        at = b.add(view.op, (at, *view.args[1:]), *view.outputs, **view.kwargs)
    return at, (kind, diagonal)


def _turns(b: Builder, node: Node) -> bool:
    """Whether it transposes matrices."""
    if node.base not in ("transpose", "permute"):
        return False
    rank = b.rank(node.args[0])
    order = [*range(rank - 2), rank - 1, rank - 2]
    if node.base == "permute":
        return [dim % rank for dim in node.args[1]] == order
    return {dim % rank for dim in node.args[1:3]} == {rank - 1, rank - 2}


def _keeps(b: Builder, node: Node) -> bool:
    """Whether it leaves matrices as they are."""
    if node.base not in KEEPS:
        return False
    before, after = b.tensor(node.args[0]), node.outputs[0]
    return len(before.sizes) > 1 and before.sizes[-2:] == after.sizes[-2:] and before.dtype == after.dtype
