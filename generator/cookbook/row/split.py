"""Rows that are few and long: several programs share a row, each leaving a partial result in a workspace."""

from __future__ import annotations

from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.row.builder import contiguous
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces

FEW_ROWS, LONG = 256, 16384


def splits(domain: Domain) -> bool:
    """Whether its rows are too few to fill a device, and long enough to be shared."""
    return domain.count() <= FEW_ROWS and domain.length() >= LONG


def with_partials(graph: Graph, programs: int, chunk: int) -> Graph:
    """The graph with such reductions in two steps. programs: for all rows together, at most; chunk: elements that are
    worth a program.
    """
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if reduces(node) and splits(domain := Domain.of(graph, node)):
            partial = _partial(node, domain, max(programs // max(domain.count(), 1), 2), chunk)
            nodes[partial.id] = partial
            last = len(partial.outputs[0].shape) - 1
            places = (Ref(partial.id, 1),) if len(node.outputs) > 1 else ()
            node = replace(node, args=(Ref(partial.id), (last,), False, *places))
        nodes[node.id] = node
    return replace(graph, nodes=nodes)


def _partial(node: Node, domain: Domain, most: int, chunk: int) -> Node:
    text = domain.extent([*domain.reduced])
    count = min(most, (domain.length() - 1) // chunk + 1)
    size = f"min({most}, ({text} - 1) // {chunk} + 1)" if isinstance(text, str) else count
    outputs = tuple(_longer(output, count, size) for output in node.outputs)
    name = f"{node.name}_part"
    return replace(node, id=f"{node.id}p", outputs=outputs, kwargs={"partial": True}, name=name)


def _longer(tensor: Tensor, count: int, size: int | str) -> Tensor:
    return contiguous((*tensor.shape, count), (*tensor.sizes, size), tensor.dtype)
