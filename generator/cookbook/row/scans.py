"""Running sums and products along a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.row.builder import Builder, contiguous
from pytest_kernelfalcon.generator.cookbook.row.composites import argument, composite
from pytest_kernelfalcon.generator.cookbook.row.reductions import Reduction

KINDS = {"row.cumsum": "sum", "row.cumprod": "prod"}
"""Operation → the reduction whose results on the way these are."""


def scans(node: Node) -> bool:
    return node.op in KINDS


@dataclass(frozen=True)
class Scan:
    """A running sum or product being written. reduction: what it sums up to; reverse: from the end of the row; cast:
    of the results, to their own type.
    """

    reduction: Reduction
    reverse: bool
    cast: str = ""

    @property
    def before(self) -> str:
        """The variable for what came before a block."""
        return f"{self.reduction.names[0]}_before"

    def held(self, axis: int) -> str:
        """The results where the row is held whole."""
        return f"{self._within(self.reduction.masked()[0], axis)}{self.cast}"

    def _within(self, values: str, axis: int) -> str:
        """What runs within a block."""
        word = "cumsum" if self.reduction.kind == "sum" else "cumprod"
        return f"tl.{word}({values}, axis={axis}{', reverse=True' if self.reverse else ''})"

    def streamed(self, axis: int, whole_axis: str) -> list[str]:
        """The lines that take a block in."""
        (name,), symbol = self.reduction.names, "+" if self.reduction.kind == "sum" else "*"
        block = f"{name}_block"
        running = f"{self.before} {symbol} {self._within(block, axis)}"
        return [
            f"{block} = {self.reduction.masked()[0]}",
            f"{name} = {f'({running}){self.cast}' if self.cast else running}",
            f"{self.before} = {self.before} {symbol} {self.reduction.whole([block], whole_axis)}",
        ]


@composite("cumsum", "cumprod")
def running(b: Builder) -> Sequence[Ref]:
    x, dims = b.node.args[0], b.dims(b.node.args[0], b.node.args[1])
    tensor, whole = b.tensor(x), b.node.outputs[0]
    output = contiguous(tensor.shape, tensor.sizes, b.dtype)
    reverse = {"reverse": True} if argument(b, 2) == "reverse" else {}
    ref = b.add(f"row.{b.node.base}", (x, dims, False), output, name="running", **reverse)
    return [b.last(ref, whole.dtype)]


def reversed_scans(graph: Graph) -> Graph:
    """The graph in which a running sum of what is flipped, flipped back, runs from the end of the row."""
    nodes = dict(graph.nodes)
    for node in graph.nodes.values():
        scan = _operand(graph, node) if node.base == "flip" else None
        first = _operand(graph, scan) if scan is not None and scan.base in ("cumsum", "cumprod") else None
        if scan is None or first is None or first.base != "flip":
            continue
        rank = len(node.outputs[0].shape)
        dims = {tuple(dim % rank for dim in other.args[1]) for other in (node, first)} | {(scan.args[1] % rank,)}
        if len(dims) == 1:
            nodes[node.id] = replace(scan, id=node.id, args=(first.args[0], scan.args[1], "reverse"))
    return replace(graph, nodes=nodes)


def _operand(graph: Graph, node: Node) -> Node | None:
    ref = node.args[0]
    return graph.nodes[ref.node] if isinstance(ref, Ref) else None
