"""Reductions that need another one first, as one that needs a single pass over the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref, Tensor, references, replaced
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import IDENTITIES
from pytest_kernelfalcon.generator.cookbook.pointwise.text import is_float
from pytest_kernelfalcon.generator.cookbook.row.builder import contiguous
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.reductions import RESULTS


def fused(graph: Graph, wanted: Callable[[Domain], bool]) -> Graph:
    """The graph in which, over such domains, a sum of exp(x - largest) comes together with the largest, and a sum of
    (x - mean)² with the mean.
    """
    nodes: dict[str, Node] = {}
    new: dict[Ref, Ref] = {}
    for node in graph.nodes.values():
        kwargs = {name: replaced(value, new) for name, value in node.kwargs.items()}
        found = _Pair.of(graph, node) if node.op == "row.sum" and wanted(Domain.of(graph, node)) else None
        if found is None or new.get(found.first, found.first) != found.first:
            nodes[node.id] = replace(node, args=replaced(node.args, new), kwargs=kwargs)
            continue
        joint = found.joint(node, new)
        new |= {found.first: Ref(joint.id, len(joint.outputs) - 2), Ref(node.id): Ref(joint.id, len(joint.outputs) - 1)}
        nodes = _before(nodes, found.first, joint)
        nodes = {k: replace(n, args=replaced(n.args, new)) if n is not joint else n for k, n in nodes.items()}
    return graph.with_nodes(nodes, new)


def _before(nodes: dict[str, Node], ref: Ref, joint: Node) -> dict[str, Node]:
    """The nodes with `joint` put in where `ref` is computed, in order of execution."""
    found: dict[str, Node] = {}
    for id, node in nodes.items():
        if id == ref.node:
            found[joint.id] = joint
        found[id] = node
    return found


class _Pair:
    """A sum, and the row's value that its terms are relative to. kind: of the joint reduction; first: that value;
    keeps_nan: whether it is NaN where x has one.
    """

    def __init__(self, kind: str, first: Ref, x: Ref, keeps_nan: bool) -> None:
        self.kind, self.first, self.x, self.keeps_nan = kind, first, x, keeps_nan

    @classmethod
    def of(cls, graph: Graph, total: Node) -> _Pair | None:
        """What the sum `total` is, if it is one of these."""
        term = _plain(graph, total.args[0])
        if term.base == "exp":
            apart, kind = _plain(graph, term.args[0]), "exponentials"
        elif (term.base == "mul" and term.args[0] == term.args[1]) or term.op == "aten.pow.Tensor_Scalar":
            apart, kind = _plain(graph, term.args[0]), "moments"
        else:
            return None
        if kind == "moments" and term.base == "pow" and term.args[1] != 2:
            return None
        if apart.op != "aten.sub.Tensor" or apart.kwargs.get("alpha", 1) != 1 or not isinstance(apart.args[1], Ref):
            return None
        x, first = apart.args[0], _origin(graph, apart.args[1])
        reduction = _extreme(graph, first) if kind == "exponentials" else _mean(graph, first)
        same = reduction is not None and (_origin(graph, reduction.args[0]), *reduction.args[1:3]) == (
            _origin(graph, x) if isinstance(x, Ref) else x, *total.args[1:3],
        )  # fmt: skip
        floating = is_float(total.outputs[0].dtype)
        if reduction is None or not same or not floating or not total.args[2]:
            return None
        return cls(kind, first, x, reduction.op == "row.amax")

    def joint(self, total: Node, new: dict[Ref, Ref]) -> Node:
        """The reduction that gives both, the sum last and the value before it."""
        names = RESULTS[self.kind]
        args = (replaced(self.x, new), *total.args[1:3])
        return replace(
            total, id=f"{total.id}j", op=f"row.{self.kind}", args=args, name=names[-1],
            outputs=total.outputs * len(names), kwargs={"names": names, "keeps_nan": self.keeps_nan},
        )  # fmt: skip


def _origin(graph: Graph, ref: Ref) -> Ref:
    """What `ref` is a copy of, in the same type."""
    node = graph.nodes[ref.node]
    while node.base in IDENTITIES and not IDENTITIES[node.base] and isinstance(node.args[0], Ref):
        if graph.tensor(node.args[0]).dtype != node.outputs[0].dtype:
            break
        ref = node.args[0]
        node = graph.nodes[ref.node]
    return ref


def _plain(graph: Graph, ref: Ref) -> Node:
    return graph.nodes[_origin(graph, ref).node]


def _extreme(graph: Graph, ref: Ref) -> Node | None:
    node = graph.nodes[ref.node]
    return node if node.op in ("row.max", "row.amax") else None


def _mean(graph: Graph, ref: Ref) -> Node | None:
    """The sum that `ref` is the mean of."""
    node = graph.nodes[ref.node]
    if node.base != "div" or not isinstance(node.args[0], Ref):
        return None
    total = _plain(graph, node.args[0])
    if total.op != "row.sum":
        return None
    return total if getattr(node.args[1], "value", node.args[1]) == Domain.of(graph, total).length() else None


def squeezed(graph: Graph) -> Graph:
    """The graph in which reductions do not keep their dimensions where nobody wants these."""
    users: dict[Ref, list[Node]] = {}
    for node in graph.nodes.values():
        for ref in references((node.args, tuple(node.kwargs.values()))):
            users.setdefault(ref, []).append(node)
    wanted = {*graph.results, *graph.mutated.values()}
    nodes, new = dict(graph.nodes), dict[Ref, Ref]()
    for node in graph.nodes.values():
        refs = [Ref(node.id, output) for output in range(len(node.outputs))]
        views = [(ref, view) for ref in refs for view in users.get(ref, [])]
        if not node.op.startswith("row.") or not node.args[2] or wanted & {*refs} or not views:
            continue
        sizes = tuple(size for dim, size in enumerate(node.outputs[0].sizes) if dim not in node.args[1])
        if all(view.op == "aten.view.default" and view.outputs[0].sizes == sizes for _, view in views):
            outputs = tuple(_without(output, node.args[1]) for output in node.outputs)
            nodes[node.id] = replace(node, args=(*node.args[:2], False, *node.args[3:]), outputs=outputs)
            new |= {Ref(view.id): ref for ref, view in views}
    kept = {node.id: replace(node, args=replaced(node.args, new)) for node in nodes.values() if Ref(node.id) not in new}
    kept = {id: replace(n, kwargs={k: replaced(v, new) for k, v in n.kwargs.items()}) for id, n in kept.items()}
    return graph.with_nodes(kept, new)


def _without(tensor: Tensor, dims: Sequence[int]) -> Tensor:
    """The tensor without some dimensions, which are of size 1."""
    kept = [pair for dim, pair in enumerate(zip(tensor.shape, tensor.sizes, strict=True)) if dim not in dims]
    return contiguous([n for n, _ in kept], [s for _, s in kept], tensor.dtype)
