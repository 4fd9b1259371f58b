"""The recipe *matmul*: products of matrices, and the pointwise operations and reductions around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, references
from pytest_kernelfalcon.generator.cookbook.matmul.contractions import contracts, is_product, normalised
from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product
from pytest_kernelfalcon.generator.cookbook.matmul.options import Configuration, Tile, all_ways, tiles, whole_rows
from pytest_kernelfalcon.generator.cookbook.matmul.pack import packs
from pytest_kernelfalcon.generator.cookbook.matmul.rows import RowProduct
from pytest_kernelfalcon.generator.cookbook.matmul.split import parts_of, shared
from pytest_kernelfalcon.generator.cookbook.matmul.stages import Stages
from pytest_kernelfalcon.generator.cookbook.module.render import Parts, fill, parts, refusing, summary, traced
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.generator.cookbook.row.domain import Misaligned
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.normal import normalised as written_out

MOST = 24
"""Configurations."""


@dataclass(frozen=True)
class Match:
    """graph: of products of matrices, reductions and pointwise operations; traced: as it was."""

    contract: Contract
    graph: Graph
    traced: Graph


class Matmul:
    """See the module."""

    name = "matmul"

    @refusing
    def match(self, contract: Contract) -> Match | Refusal:
        graph = traced(contract)
        if isinstance(graph, Refusal):
            return graph
        if not any(contracts(node) for node in graph.nodes.values()):
            return Refusal(reason="it multiplies no matrices")
        match = Match(contract, written_out(normalised(graph, ones=_ones_stay(contract))), graph)
        needed = match.graph.ancestors((*match.graph.results, *match.graph.mutated.values()), depends)
        if missing := dict.fromkeys(node.op for node in needed if not _placed(node)):
            return Refusal(tuple(missing))
        self.render(match, Configuration())
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        """Ways that differ in their text."""
        nodes = match.graph.nodes.values()
        products = [node for node in nodes if is_product(node)]
        plain = Stages(match.contract, match.graph, Configuration()).stages
        ways: dict[str, Configuration] = {}
        for way in all_ways(
            _tiles(match.graph),
            self._whole_rows(match),
            single=any(node.outputs[0].dtype == "float32" for node in products),
            packed=any(isinstance(stage, Product) and packs(stage) for stage in plain),
            split=any(shared(match.graph, node) for node in nodes),
            inline=self._inline(match),
            rows=any(reduces(node) for node in nodes),
        ):
            ways.setdefault(repr(_parts(match, way)), way)
            if len(ways) == MOST:
                break
        return list(ways.values())

    def _inline(self, match: Match) -> bool:
        """Whether some operand can be computed while it is read."""
        try:
            stages = Stages(match.contract, match.graph, Configuration(inline=True)).stages
        except Unplaced:
            return False
        return any(isinstance(stage, Product) and any(stage.prologues) for stage in stages)

    def _whole_rows(self, match: Match) -> Sequence[int]:
        """Rows a program of a product that can take what reduces its rows."""
        try:
            stages = Stages(match.contract, match.graph, Configuration(fused=16)).stages
        except (Misaligned, Unplaced):
            return (0,)
        found = [stage.product for stage in stages if isinstance(stage, RowProduct)]
        if not found:
            return (0,)
        rows, columns = found[0].outputs[0].shape
        return whole_rows(rows, columns, match.graph.tensor(found[0].args[0]).shape[-1])

    def render(self, match: Match, configuration: Configuration) -> str:
        return fill(_parts(match, configuration), configuration)


def _parts(match: Match, way: Configuration) -> Parts:
    """What the template is filled with."""
    s = Stages(match.contract, match.graph, way)
    results = (*match.traced.results, *match.traced.mutated.values())
    nodes = match.traced.ancestors(results, lambda node: references((node.args, *node.kwargs.values())))
    return parts(match.contract, s.graph, s.access, s.stages, s.numerics, summary(nodes))


def _ones_stay(contract: Contract) -> bool:
    """Whether no size that varies is 1 as declared, so that a size of 1 is one by nature."""
    return all(contract.declared.get(name) != 1 for name, kind in contract.sizes.items() if kind == "data")


def _tiles(graph: Graph) -> list[Tile]:
    """The tiles that fit the largest product, as declared."""
    products = [node for node in graph.nodes.values() if is_product(node)]
    if not products:
        return [Configuration().tile]
    largest = max(products, key=lambda node: math.prod(node.outputs[0].shape))
    *batch, rows, columns = largest.outputs[0].shape
    count = math.prod(batch) * (parts_of(graph, largest) if shared(graph, largest) else 1)
    return tiles(rows, columns, count, single=largest.outputs[0].dtype == "float32")


def _placed(node: Node) -> bool:
    return places(node) or reduces(node) or is_product(node)
