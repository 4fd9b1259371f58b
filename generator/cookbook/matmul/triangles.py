"""Triangles: what `tril` and `triu` leave out of an operand, or of the product, is neither read nor summed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref, references
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder

Triangle = tuple[str, int]
"""`tril` or `triu`, and its diagonal."""

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
    if not _cuts(node):
        return ref, None
    at, (kind, diagonal) = node.args[0], (node.base, node.args[1])
    for view in reversed(views):
        kind, diagonal = (OTHER[kind], -diagonal) if _turns(b, view) else (kind, diagonal)
        at = b.add(view.op, (at, *view.args[1:]), *view.outputs, **view.kwargs)
    return at, (kind, diagonal)


def with_kept(graph: Graph, products: tuple[str, ...]) -> Graph:
    """The graph in which each product that only a `tril` or `triu` reads says so, as `kept`."""
    uses = Counter(ref for node in graph.nodes.values() for ref in references((node.args, *node.kwargs.values())))
    uses.update((*graph.results, *graph.mutated.values()))
    nodes = dict(graph.nodes)
    for node in graph.nodes.values():
        if _cuts(node):
            product = nodes[node.args[0].node]
            if product.computed and product.base in products and uses[node.args[0]] == 1:
                nodes[product.id] = replace(product, kwargs={**product.kwargs, "kept": (node.base, node.args[1])})
    return replace(graph, nodes=nodes)


def inside(triangle: Triangle | None, row: str, column: str) -> list[str]:
    """The condition that an element lies in the triangle, in text: outside of it the operand counts as zero."""
    if triangle is None:
        return []
    kind, diagonal = triangle
    return [f"({column} {'<=' if kind == 'tril' else '>='} {_moved(row, diagonal)})"]


def bounds(left: Triangle | None, right: Triangle | None, kept: Triangle | None) -> tuple[list[str], list[str]]:
    """Where the sum of a tile begins at the earliest, and where it ends at the latest, in text."""
    row, below = "tile_m * BLOCK_M", "(tile_m + 1) * BLOCK_M"
    column, beyond = "tile_n * BLOCK_N", "(tile_n + 1) * BLOCK_N"
    starts, ends = [], []
    if left:
        kind, diagonal = left
        starts += [_first(row, diagonal)] * (kind == "triu")
        ends += [_last(below, diagonal)] * (kind == "tril")
    if right:
        kind, diagonal = right
        starts += [_first(column, -diagonal)] * (kind == "tril")
        ends += [_last(beyond, -diagonal)] * (kind == "triu")
    if kept:
        kind, diagonal = kept
        within = f"{column} < {_moved(below, diagonal)}" if kind == "tril" else f"{_moved(row, diagonal)} < {beyond}"
        ends.append(f"tl.where({within}, K, 0)")
    return starts, ends


def _first(edge: str, diagonal: int) -> str:
    moved = _moved(edge, diagonal)
    return moved if not diagonal else f"({moved})" if diagonal > 0 else f"tl.maximum({moved}, 0)"


def _last(edge: str, diagonal: int) -> str:
    return f"tl.minimum({_moved(edge, diagonal)}, K)"


def _moved(text: str, diagonal: int) -> str:
    return f"{text} {'-' if diagonal < 0 else '+'} {abs(diagonal)}" if diagonal else text


def _cuts(node: Node) -> bool:
    return node.computed and node.base in OTHER and isinstance(node.args[1], int)


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
