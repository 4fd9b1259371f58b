"""Forms that lose digits, in ones that do not: eager computes the same with other operations than the trace shows."""

from __future__ import annotations

from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref


def stable(graph: Graph) -> Graph:
    """The graph with log(exp(-m) + exp(n - m)), m being max(n, 0), as log1p(exp(-|n|)): that is how
    `binary_cross_entropy_with_logits` is traced.
    """
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        n = _softplus_of(graph, node) if node.base == "log" else None
        if n is None:
            nodes[node.id] = node
            continue
        last = Ref(n.node, n.output)
        for step, base in enumerate(("abs", "neg", "exp")):
            id = f"{node.id}s{step}"
            name = ("magnitude", "negative", "exp")[step]
            nodes[id] = replace(node, id=id, op=f"aten.{base}.default", args=(last,), name=name)
            last = Ref(id)
        nodes[node.id] = replace(node, op="aten.log1p.default", args=(last,))
    return replace(graph, nodes=nodes)


def _softplus_of(graph: Graph, log: Node) -> Ref | None:
    """The n of such a logarithm."""
    total = _made(graph, log.args[0], "add")
    exps = [_made(graph, ref, "exp") for ref in total.args[:2]] if total else []
    if len(exps) != 2 or exps[0] is None or exps[1] is None:
        return None
    first, second = _made(graph, exps[0].args[0], "neg"), _made(graph, exps[1].args[0], "sub")
    m = _made(graph, first.args[0], "clamp_min") if first else None
    if (
        m is None
        or second is None
        or m.args[1] != 0
        or second.args[:2] != (m.args[0], first.args[0] if first else None)
    ):
        return None
    found: Ref = m.args[0]
    return found


def _made(graph: Graph, ref: object, base: str) -> Node | None:
    """The operation that gives `ref`, if it is one of this name."""
    node = graph.nodes[ref.node] if isinstance(ref, Ref) else None
    return node if node is not None and node.base == base else None
