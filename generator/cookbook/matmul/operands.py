"""The tensors in memory that a product's operands are, or are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.plan import Operand
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path, Replay
from pytest_kernelfalcon.generator.cookbook.pointwise.views import replayed
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.stage import Leaf

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product


def in_memory(kernel: Product, k: int, operand: Operand) -> Leaf:
    """The leaf that operand `k` is."""
    workspace = kernel.graph.nodes.get(Graph.workspace(operand.source))
    node = workspace or kernel.graph.nodes[operand.source.node]
    return leaf(kernel, node, operand.path, kernel.names.fresh("ab"[k], "_ptr"), kernel.product.args[k])


def leaf(kernel: Product, node: Node, path: Path, name: str, argument: Ref) -> Leaf:
    """The source `node`, seen through `path`, as an argument of the product."""
    replay = replayed(kernel.graph, node, path, kernel.access.expression, kernel.configuration.fractions)
    _expand(kernel, replay, argument)
    return Leaf(node, name, replay, shape=kernel.graph.tensor(argument).shape)


def _expand(kernel: Product, replay: Replay, argument: Ref) -> None:
    """Broadcasts a batch of one matrix to the whole batch: with stride 0 it is read again and again."""
    replay.pad()
    if replay.shape != replay.full:
        sizes = kernel.graph.tensor(argument).sizes
        wide = [kernel.access.expression(str(size)) for size in sizes]
        texts = ["-1" if replay.own(dim) else size for dim, size in enumerate(wide)]
        replay.rearrange(f"{{v}}.expand({', '.join(texts)})", list(replay.full), None)


def cast(kernel: Product, k: int) -> str:
    """What brings operand `k` to the other's type: rows leave float32, whatever the inputs are."""
    ours, theirs = kernel.operands[k], kernel.operands[1 - k]
    if ours is None or not _is_fixed(kernel.graph, ours) or (theirs and _is_fixed(kernel.graph, theirs)):
        return ""
    return f".to({kernel.sides[1 - k].name}_ptr.dtype.element_ty)"


def _is_fixed(graph: Graph, operand: Operand) -> bool:
    computed = graph.nodes[operand.source.node].computed
    return computed and any(reduces(node) for node in graph.ancestors([operand.source], depends))
