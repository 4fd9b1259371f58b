"""Which results of a graph are computed together: a product and what follows it, or what is left between products."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref, Tensor
from pytest_kernelfalcon.generator.cookbook.matmul.contractions import is_product
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.views import is_view
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces

NARROW = 256
"""Columns of a product that one program can hold."""

ONCE = 64
"""Elements along a side of a product that one tile has: an operand is then read once."""

KEEPS_ORDER = ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze")


@dataclass(frozen=True)
class Part:
    """A share of the graph. product: the contraction in it, and then it is one kernel. refs: what it computes."""

    product: Node | None
    refs: tuple[Ref, ...]


@dataclass(frozen=True)
class Operand:
    """A tensor in memory, and the views that it is seen through."""

    source: Ref
    path: Path


class Planner:
    """Cuts a graph of products, reductions and pointwise operations into parts.

    fused: whether reductions over whole rows of a narrow product belong into its kernel. inline: whether an operand
    that few tiles read is computed while it is read. cuts: results that are kept in memory between parts.
    """

    def __init__(self, graph: Graph, *, fused: bool = False, inline: bool = False) -> None:
        self.graph = graph
        self.fused, self.inline = fused, inline
        self.results = tuple(dict.fromkeys((*graph.results, *graph.mutated.values())))
        self.products = [node for node in graph.ancestors(self.results, depends) if is_product(node)]
        found = [operand for node in self.products for operand in self.operands(node) if operand]
        self.cuts = {operand.source for operand in found if graph.nodes[operand.source.node].op not in SOURCES}

    def parts(self) -> list[Part]:
        """In an order in which each finds what it reads."""
        while unfit := [node for node in self.products if Ref(node.id) not in self.cuts and not self._fits(node)]:
            self.cuts.add(Ref(unfit[0].id))
        products = [
            Part(node, (Ref(node.id),) if Ref(node.id) in self.cuts else tuple(self._readers(node)))
            for node in self.products
        ]
        placed = {ref for part in products for ref in part.refs}
        return self._sorted(products, [ref for ref in self.wanted() if ref not in placed])

    def wanted(self) -> list[Ref]:
        """What must come into memory."""
        refs = (Ref(node.id, k) for node in self.graph.nodes.values() for k in range(len(node.outputs)))
        return list(dict.fromkeys((*(ref for ref in refs if ref in self.cuts), *self.results)))

    def operands(self, product: Node) -> tuple[Operand | None, Operand | None]:
        """Where both arguments come from; None for one that is computed while it is read."""
        left, right = product.args
        rows, columns = product.outputs[0].shape[-2:]
        return (
            None if self._computed(left, columns) else self.operand(left),
            None if self._computed(right, rows) else self.operand(right),
        )

    def _computed(self, ref: Ref, readers: int) -> bool:
        """Whether an argument is pointwise in one tensor of its type, and few tiles read each element. readers: the
        elements of the product along the dimension that the argument does not have.
        """
        if not self.inline or readers > ONCE or self.graph.nodes[self.operand(ref).source.node].op in SOURCES:
            return False
        nodes = self.graph.ancestors([ref], depends)
        sources = [node for node in nodes if node.op in SOURCES]
        plain = all(not (is_product(node) or reduces(node)) for node in nodes)
        return plain and len(sources) == 1 and sources[0].outputs[0].dtype == self.graph.tensor(ref).dtype

    def operand(self, ref: Ref) -> Operand:
        """Where the argument of a product comes from: what is no view of anything else lies in memory."""
        path: Path = ()
        node = self.graph.nodes[ref.node]
        while node.op not in SOURCES and (is_view(node) or self._copies(node)):
            path = (ref, *path) if is_view(node) else path
            ref = node.args[0]
            node = self.graph.nodes[ref.node]
        return Operand(ref, path)

    def _copies(self, node: Node) -> bool:
        return node.base in ("clone", "contiguous", "positive", "_to_copy") and (
            self.graph.tensor(node.args[0]).dtype == node.outputs[0].dtype
        )

    def reads(self, refs: Iterable[Ref], *cuts: Ref) -> list[Node]:
        """The nodes that these results are computed from, up to what lies in memory."""
        return self.graph.cut([*self.cuts, *cuts]).ancestors(refs, depends)

    def _readers(self, product: Node) -> list[Ref]:
        """The wanted results that come from the product without passing through memory."""
        return [ref for ref in self.wanted() if product in _originals(self.graph, self.reads([ref]))]

    def _fits(self, product: Node) -> bool:
        """Whether all that follows the product can be computed on its tiles."""
        readers = self._readers(product)
        tensors = [self.graph.tensor(ref) for ref in readers]
        numel = math.prod(product.outputs[0].shape)
        if any(math.prod(tensor.shape) != numel or tensor.sizes != tensors[0].sizes for tensor in tensors):
            return False
        before = self.reads(readers, Ref(product.id))
        if any(is_product(node) for node in before):
            return False
        if any(reduces(node) for node in before) and not (self.fused and self._has_rows(product, tensors[0], before)):
            return False
        made = {Graph.workspace(ref): ref for ref in self.cuts}
        if any(product.id in self._origins(made[node.id]) for node in before if node.id in made):
            return False
        return all(self._in_order(product, ref) for ref in readers)

    def _has_rows(self, product: Node, result: Tensor, before: list[Node]) -> bool:
        """Whether all reductions run along whole rows of the product, which are narrow at all sizes of the problem."""
        domains = {Domain.of(self.graph, node) for node in _originals(self.graph, before) if reduces(node)}
        if len(domains) != 1 or product.base != "mm" or product.kwargs:
            return False
        (domain,) = domains
        own, width = product.outputs[0].sizes[-1], product.outputs[0].shape[-1]
        fixed = {size for node in self.graph.nodes.values() if node.op == "state" for size in node.outputs[0].sizes}
        narrow = width <= NARROW and (isinstance(own, int) or own in fixed)
        last = (len(domain.shape) - 1,)
        return narrow and domain.reduced == last and domain.sizes[-1] == own and domain.sizes == result.sizes

    def _origins(self, ref: Ref) -> set[str]:
        return {node.id for node in self.graph.ancestors([ref], depends)}

    def _in_order(self, product: Node, result: Ref) -> bool:
        """Whether every way from the product to the result keeps the order of elements. What reduces rows is a way's
        end: how a row's value may be used is for the kernel to check.
        """
        after = {product.id}
        for node in _originals(self.graph, self.reads([result])):
            if node.id != product.id and not reduces(node) and any(ref.node in after for ref in depends(node)):
                after.add(node.id)
                if math.prod(node.outputs[0].shape) != math.prod(product.outputs[0].shape):
                    return False
                if is_view(node) and not self._flat(node):
                    return False
        return True

    def _flat(self, node: Node) -> bool:
        """Whether a view keeps the order of elements."""
        if node.base in KEEPS_ORDER:
            return True
        before = self.graph.tensor(node.args[0]).sizes
        if node.base == "permute":
            order = [dim % len(before) for dim in node.args[1] if before[dim] != 1]
            return order == sorted(order)
        return node.base in ("expand", "slice") and node.outputs[0].sizes == before

    def _sorted(self, products: list[Part], left: list[Ref]) -> list[Part]:
        """Products as soon as their operands are there; then all else that can be computed, as one part."""
        ordered: list[Part] = []
        done: set[Ref] = set()
        while products or left:
            ready = [part for part in products if self._needs(part) <= done | {*part.refs}][:1]
            if not ready:
                refs = tuple(ref for ref in left if self._needs(Part(None, (ref,))) <= done)
                ready, left = [Part(None, refs)], [ref for ref in left if ref not in refs]
            products = [part for part in products if part not in ready]
            ordered += ready
            done |= {ref for part in ready for ref in part.refs}
        return ordered

    def _needs(self, part: Part) -> set[Ref]:
        made = {Graph.workspace(ref): ref for ref in self.cuts}
        product = [Ref(part.product.id)] if part.product else []
        return {made[node.id] for node in self.reads([*part.refs, *product]) if node.id in made}


def _originals(graph: Graph, nodes: Iterable[Node]) -> list[Node]:
    """These nodes as they are in the graph that was not cut."""
    return [graph.nodes[node.id] for node in nodes if node.id in graph.nodes]
