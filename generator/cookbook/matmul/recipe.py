"""The recipe *matmul*: products of matrices, and the pointwise operations before and after them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.contractions import contracts, is_product, normalised
from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product
from pytest_kernelfalcon.generator.cookbook.matmul.options import Configuration, all_ways
from pytest_kernelfalcon.generator.cookbook.matmul.plan import Part, Planner
from pytest_kernelfalcon.generator.cookbook.module.render import Parts, fill, kernel_name, parts, summary, traced
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.normal import normalised as written_out
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration as RowConfiguration
from pytest_kernelfalcon.generator.cookbook.row.options import tiles
from pytest_kernelfalcon.generator.cookbook.row.plan import plan_stages


@dataclass(frozen=True)
class Match:
    """A contract whose graph is products of matrices and pointwise operations. graph: see `normalised`."""

    contract: Contract
    graph: Graph


class Matmul:
    """See the module."""

    name = "matmul"

    def match(self, contract: Contract) -> Match | Refusal:
        traced_ = traced(contract)
        if isinstance(traced_, Refusal):
            return traced_
        if not any(contracts(node) for node in traced_.nodes.values()):
            return Refusal(reason="it multiplies no matrices")
        try:
            graph = written_out(normalised(traced_))
        except Unplaced as unplaced:
            return Refusal((unplaced.op,))
        needed = graph.ancestors((*graph.results, *graph.mutated.values()), depends)
        if missing := dict.fromkeys(node.op for node in needed if not _placed(node)):
            return Refusal(tuple(missing))
        match = Match(contract, graph)
        try:
            self.render(match, Configuration())
        except Unplaced as unplaced:
            return Refusal((unplaced.op,))
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        """Ways that differ in their text."""
        products = [node for node in match.graph.nodes.values() if is_product(node)]
        ways: dict[str, Configuration] = {}
        for way in all_ways(single=any(node.outputs[0].dtype == "float32" for node in products)):
            ways.setdefault(repr(_parts(match, way)), way)
        return list(ways.values())

    def render(self, match: Match, configuration: Configuration) -> str:
        return fill(_parts(match, configuration), configuration)


def _parts(match: Match, way: Configuration) -> Parts:
    """What the template is filled with."""
    access, numerics, planner = Access(match.contract, match.graph), Numerics(way.pointwise.exact), Planner(match.graph)
    stages = [stage for part in planner.parts() for stage in _stages(part, planner, access, way)]
    for stage in stages:
        stage.lower(numerics)
    nodes = match.graph.ancestors(planner.results, depends)
    return parts(match.contract, match.graph, access, stages, numerics, summary(nodes))


def _stages(part: Part, planner: Planner, access: Access, way: Configuration) -> list[Kernel | RowKernel]:
    """The kernels of one part."""
    if part.product is None:
        graph = planner.graph.cut(planner.cuts)
        return plan_stages(graph, part.refs, access, _row_way(graph, part.refs, way))
    graph = planner.graph.cut([*planner.cuts, Ref(part.product.id)])
    named = kernel_name(planner.reads(part.refs), "matmul_kernel")
    name = access.names.fresh(re.sub("^b?mm(?=_)", "matmul", named))
    a, b = (planner.operand(ref) for ref in part.product.args)
    return [Product(graph, [*part.refs], access, way.pointwise, name, product=part.product, operands=(a, b), way=way)]


def _row_way(graph: Graph, refs: tuple[Ref, ...], way: Configuration) -> RowConfiguration:
    """How the reductions between products are written: as the row that has the most elements wants it."""
    domains = [Domain.of(graph, node) for node in graph.ancestors(refs, depends) if reduces(node)]
    if not domains:
        return RowConfiguration(pointwise=way.pointwise)
    domain = max(domains, key=lambda d: d.count() * d.length())
    last = max((dim for dim, size in enumerate(domain.shape) if size > 1), default=0)
    shapes = tiles(last in domain.reduced, domain.length(), few=False)
    return replace(shapes[way.row % len(shapes)], pointwise=way.pointwise)


def _placed(node: Node) -> bool:
    return places(node) or reduces(node) or is_product(node)
