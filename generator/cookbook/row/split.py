"""Rows that are few and long: several programs share a row, each leaving a partial result in a workspace."""

from __future__ import annotations

from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Expression, Graph, Node, Ref, Tensor, replaced
from pytest_kernelfalcon.generator.cookbook.row.builder import contiguous
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.scans import scans

FEW_ROWS, LONG = 256, 65536


def splits(domain: Domain) -> bool:
    """Whether its rows are too few to fill a device, and long enough to be shared."""
    return domain.count() <= FEW_ROWS and domain.length() >= LONG


def with_partials(graph: Graph, programs: int, chunk: int) -> Graph:
    """The graph with such reductions in two steps. programs: for all rows together, at most; chunk: elements that are
    worth a program.
    """
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        if reduces(node) and not scans(node) and splits(domain := Domain.of(graph, node)):
            partial = _partial(node, domain, max(programs // max(domain.count(), 1), 2), chunk)
            joint = _joined(node, partial, domain)
            nodes |= {partial.id: partial, joint.id: joint}
            for output, whole in enumerate(node.outputs):
                view = _view(node, joint, output, whole)
                nodes[view.id] = view
            continue
        nodes[node.id] = node
    return _repointed(replace(graph, nodes=nodes), graph)


def _partial(node: Node, domain: Domain, most: int, chunk: int) -> Node:
    """What each program leaves of a row."""
    text = domain.extent([*domain.reduced])
    count = min(most, (domain.length() - 1) // chunk + 1)
    size = f"min({most}, ({text} - 1) // {chunk} + 1)" if isinstance(text, str) else count
    shape = (*(domain.shape[dim] for dim in domain.kept), count)
    sizes = (*(domain.sizes[dim] for dim in domain.kept), size)
    names = node.kwargs.get("names", (node.name,))
    return replace(
        node, id=f"{node.id}p", outputs=tuple(contiguous(shape, sizes, output.dtype) for output in node.outputs),
        kwargs={**node.kwargs, "partial": True, "names": tuple(f"{name}_part" for name in names)},
    )  # fmt: skip


def _joined(node: Node, partial: Node, domain: Domain) -> Node:
    """The whole row's results from the programs'. whole: what the programs share."""
    first, *others = (Ref(partial.id, output) for output in range(len(partial.outputs)))
    last = len(partial.outputs[0].shape) - 1
    outputs = tuple(contiguous(t.shape[:-1], t.sizes[:-1], t.dtype) for t in partial.outputs)
    kwargs = {"whole": replace(domain, shared=True), "names": node.kwargs.get("names", (node.name,))}
    return replace(node, id=f"{node.id}w", args=(first, (last,), False, *others), outputs=outputs, kwargs=kwargs)


def _view(node: Node, joint: Node, output: int, whole: Tensor) -> Node:
    """The results in the shape that the reduction has."""
    sizes = tuple(s if isinstance(s, int) else Expression(s, n) for n, s in zip(whole.shape, whole.sizes, strict=True))
    args = (Ref(joint.id, output), sizes)
    return Node(f"{node.id}v{output}", "aten.view.default", args, {}, (whole,), whole.dtype, "", None, node.origin)


def _repointed(graph: Graph, before: Graph) -> Graph:
    """With the views in the place of the reductions that are gone."""
    gone = [node for node in before.nodes.values() if node.id not in graph.nodes]
    new = {Ref(node.id, k): Ref(f"{node.id}v{k}") for node in gone for k in range(len(node.outputs))}
    nodes = {
        node.id: replace(
            node,
            args=replaced(node.args, new),
            kwargs={name: replaced(value, new) for name, value in node.kwargs.items()},
        )
        for node in graph.nodes.values()
    }
    return graph.with_nodes(nodes, new)
