"""A graph in the form that stages are planned on: plain reductions, views and pointwise operations."""

from __future__ import annotations

from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref, Tensor, references, replaced
from pytest_kernelfalcon.generator.cookbook.row import normalising, picking  # noqa: F401 (the table)
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder
from pytest_kernelfalcon.generator.cookbook.row.composites import COMPOSITES
from pytest_kernelfalcon.generator.cookbook.row.scans import reversed_scans
from pytest_kernelfalcon.generator.cookbook.row.stable import stable


def normalised(graph: Graph) -> Graph:
    """The same graph with `COMPOSITES` written out, and what is equal once. Other nodes keep their ids.
    Raises `Unplaced`.
    """
    graph = reversed_scans(stable(_once(graph)))
    nodes: dict[str, Node] = {}
    new: dict[Ref, Ref] = {}
    for node in _sized(graph):
        kwargs = {name: replaced(value, new) for name, value in node.kwargs.items()}
        node = replace(node, args=replaced(node.args, new), kwargs=kwargs)
        if node.base not in COMPOSITES:
            nodes[node.id] = node
            continue
        refs = COMPOSITES[node.base](Builder(nodes, node, node.outputs[0].dtype))
        new |= {Ref(node.id, output): ref for output, ref in enumerate(refs)}
    return _plainer(_once(graph.with_nodes(nodes, new)))


def _once(graph: Graph) -> Graph:
    """Of nodes that compute the same, the first."""
    nodes: dict[str, Node] = {}
    first: dict[object, str] = {}
    same: dict[Ref, Ref] = {}
    for node in graph.nodes.values():
        kwargs = {name: replaced(value, same) for name, value in node.kwargs.items()}
        node = replace(node, args=replaced(node.args, same), kwargs=kwargs)
        key = node.op, node.args, tuple(kwargs.items()), node.outputs, node.origin
        if node.computed and first.setdefault(key, node.id) != node.id:
            same |= {Ref(node.id, k): Ref(first[key], k) for k in range(len(node.outputs))}
        else:
            nodes[node.id] = node
    return graph.with_nodes(nodes, same)


def _plainer(graph: Graph) -> Graph:
    """Without positions that nobody asks for."""
    asked = {*graph.results, *graph.mutated.values()}
    asked |= {ref for node in graph.nodes.values() for ref in references((node.args, tuple(node.kwargs.values())))}
    nodes = dict(graph.nodes)
    for node in graph.nodes.values():
        if node.op in ("row.argmax", "row.argmin") and Ref(node.id, 1) not in asked:
            op = node.op.replace("arg", "a")
            nodes[node.id] = replace(node, op=op, outputs=node.outputs[:1], kwargs={})
    return replace(graph, nodes=nodes)


def _sized(graph: Graph) -> list[Node]:
    """The nodes, with sizes that the tracer knew as numbers alone taken from the inputs: a model's sizes vary too.

    A number is the size of the first input that has it in the same place, counted from the last dimension.
    """
    known: dict[tuple[int, int], str] = {}
    for node in graph.nodes.values():
        for d, size in enumerate(node.outputs[0].sizes if node.op in SOURCES else ()):
            if isinstance(size, int) and size > 1:
                known.setdefault((size, d - len(node.outputs[0].sizes)), f"{node.id}.shape[{d}]")
    return [
        replace(node, outputs=tuple(_resized(output, known) for output in node.outputs))
        for node in graph.nodes.values()
    ]


def _resized(tensor: Tensor, known: dict[tuple[int, int], str]) -> Tensor:
    rank = len(tensor.sizes)
    sizes = (
        known.get((size, d - rank), size) if isinstance(size, int) else size for d, size in enumerate(tensor.sizes)
    )
    return replace(tensor, sizes=tuple(sizes))
