"""Long sums: several programs share a tile of the product, each leaving its part of the sum in a workspace."""

from __future__ import annotations

from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.contractions import is_product
from pytest_kernelfalcon.generator.cookbook.pointwise.text import REGISTER, Names
from pytest_kernelfalcon.generator.cookbook.row.builder import contiguous
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.split import splits
from pytest_kernelfalcon.generator.cookbook.row.split import with_partials as rows_with_partials

LONG = 4096
"""Elements of a sum that one accumulator takes: beyond that, float32 drifts away from what eager gives."""

SHORT = 256
"""Elements of a sum that are worth a program."""

PROGRAMS = 512
"""Programs that fill a device."""

TILE, FEW = 64, 128
"""Elements along a side of a tile, and the tiles that leave much of a device idle."""

FAR = 8 * LONG
"""Elements of a sum that are shared even where tiles are many: eager's libraries do so too."""


def shared(graph: Graph, node: Node) -> bool:
    """Whether it is a long sum, as declared."""
    if reduces(node):
        return splits(Domain.of(graph, node))
    if not is_product(node):
        return False
    (*batch, rows, columns), depth = node.outputs[0].shape, graph.tensor(node.args[0]).shape[-1]
    tiles = -(-rows // TILE) * -(-columns // TILE) * (batch[0] if batch else 1)
    return depth >= (LONG if tiles <= FEW else FAR)


def with_partials(graph: Graph, names: Names) -> Graph:
    """The graph with such sums in two steps: parts, and their sum. names: the wrapper's, for how many parts."""
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if is_product(node) and shared(graph, node):
            partial = _partial(node, names.fresh("parts"), parts_of(graph, node))
            nodes[partial.id] = partial
            node = replace(node, op="row.sum", args=(Ref(partial.id), (0,), False), kwargs={}, origin="sum_parts")
        nodes[node.id] = node
    return rows_with_partials(replace(graph, nodes=nodes), PROGRAMS, LONG)


def parts_of(graph: Graph, product: Node) -> int:
    """How many parts a long sum has at least, as declared."""
    return -(-graph.tensor(product.args[0]).shape[-1] // LONG)


def count_text(tiles: str, depth: str) -> str:
    """How many parts a sum has, in the wrapper's text. tiles, depth: its variables for how many tiles and elements."""
    enough = f"min({PROGRAMS} // max({tiles}, 1), triton.cdiv({depth}, {SHORT}))"
    return f"max({enough}, triton.cdiv({depth}, {LONG}))"


def _partial(node: Node, name: str, count: int) -> Node:
    out = node.outputs[0]
    outputs = (contiguous((count, *out.shape), (name, *out.sizes), REGISTER[out.dtype]),)
    return replace(node, id=f"{node.id}p", outputs=outputs, kwargs={**node.kwargs, "parts": name}, name="partial")
