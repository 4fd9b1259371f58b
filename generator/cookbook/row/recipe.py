"""The recipe *row*: pointwise operations and reductions, cut into one kernel for each shape of rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, references
from pytest_kernelfalcon.generator.cookbook.module.render import Parts, fill, parts, refusing, summary, traced
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import exact_from
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.fusing import fused, squeezed
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.normal import normalised
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration, all_ways, shapes
from pytest_kernelfalcon.generator.cookbook.row.plan import plan_stages
from pytest_kernelfalcon.generator.cookbook.row.split import splits, with_partials
from pytest_kernelfalcon.generator.cookbook.row.ways import main_domain, way_for

FLOATS = ("float16", "bfloat16", "float32")

MOST = 24
"""Configurations."""

PROGRAMS, CHUNK = 512, 4096
"""Programs for a reduction of few rows, and the elements that are worth one."""

PRODUCTS = Configuration(0, 512, 4)
"""For running products: in blocks that are short enough not to underflow by themselves, as longer ones do."""


@dataclass(frozen=True)
class Match:
    """graph: in normal form; traced: as it was."""

    contract: Contract
    graph: Graph
    traced: Graph


class Row:
    """See the module."""

    name = "row"

    @refusing
    def match(self, contract: Contract) -> Match | Refusal:
        graph = traced(contract)
        if isinstance(graph, Refusal):
            return graph
        match = Match(contract, normalised(graph), graph)
        wanted = [*match.graph.results, *match.graph.mutated.values()]
        needed = match.graph.ancestors(wanted, depends)
        if missing := dict.fromkeys(node.op for node in needed if not (places(node) or reduces(node))):
            return Refusal(tuple(missing))
        self.render(match, self.shapes(match)[0])
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        """Ways that differ in their text; a half type's rounding comes first where an exact output depends on it."""
        ways: dict[str, Configuration] = {}
        every = all_ways(self.shapes(match), rounding_first=exact_from(match.traced, FLOATS))
        for way in islice(every, 4 * MOST):
            ways.setdefault(repr(_parts(match, way)), way)
        return list(ways.values())[:MOST]

    def shapes(self, match: Match) -> list[Configuration]:
        """Ways to lay programs over the rows, most promising first: by the domain that has the most elements."""
        domain = main_domain(match.graph, [*match.graph.results, *match.graph.mutated.values()])
        if domain is None:
            return [Configuration()]
        ways = shapes(domain, few=splits(domain))
        products = any(node.op == "row.cumprod" for node in match.graph.nodes.values())
        return [PRODUCTS, *ways] if products else ways

    def render(self, match: Match, configuration: Configuration) -> str:
        return fill(_parts(match, configuration), configuration)


def _parts(match: Match, way: Configuration) -> Parts:
    """What the template is filled with."""
    graph, wanted = match.graph, [*match.graph.results, *match.graph.mutated.values()]
    main = main_domain(graph, wanted)

    def looped(domain: Domain) -> bool:
        return bool(way_for(domain, main, way).block) or (way.split and splits(domain))

    graph = squeezed(graph if way.pointwise.rounding else fused(graph, looped))
    graph = with_partials(graph, PROGRAMS, CHUNK) if way.split else graph
    access, numerics = Access(match.contract, graph), Numerics(way.pointwise.exact)
    stages = plan_stages(graph, [*graph.results, *graph.mutated.values()], access, way)
    for stage in stages:
        stage.lower(numerics)
    nodes = match.traced.ancestors(
        (*match.traced.results, *match.traced.mutated.values()), lambda n: references(n.args)
    )
    return parts(match.contract, graph, access, stages, numerics, summary(nodes))
