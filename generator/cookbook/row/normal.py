"""A graph in the form that stages are planned on: plain reductions, views and pointwise operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.row import normalising, picking  # noqa: F401 (the table)
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder
from pytest_kernelfalcon.generator.cookbook.row.composites import COMPOSITES


def normalised(graph: Graph) -> Graph:
    """The same graph with `COMPOSITES` written out. Ids of all other nodes stay. Raises `Unplaced`."""
    nodes: dict[str, Node] = {}
    new: dict[Ref, Ref] = {}
    for node in _sized(graph):
        kwargs = {name: _at(value, new) for name, value in node.kwargs.items()}
        node = replace(node, args=_at(node.args, new), kwargs=kwargs)
        if node.base not in COMPOSITES:
            nodes[node.id] = node
            continue
        refs = COMPOSITES[node.base](Builder(nodes, node, node.outputs[0].dtype))
        new |= {Ref(node.id, output): ref for output, ref in enumerate(refs)}
    results = tuple(new.get(ref, ref) for ref in graph.results)
    mutated = {name: new.get(ref, ref) for name, ref in graph.mutated.items()}
    return replace(graph, nodes=nodes, results=results, mutated=mutated)


def _at(value: Any, new: dict[Ref, Ref]) -> Any:
    if isinstance(value, Ref):
        return new.get(value, value)
    return tuple(_at(item, new) for item in value) if isinstance(value, tuple) else value


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
