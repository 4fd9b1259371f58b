"""The recipe *pointwise*: elementwise operations with broadcasting, one kernel for each shape that is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.module.render import (
    Parts,
    fill,
    kernel_name,
    parts,
    refusing,
    summary,
    traced,
)
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.options import TILES, Configuration, all_ways
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.text import HALF, is_float
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal


@dataclass(frozen=True)
class Match:
    """A contract whose graph is pointwise."""

    contract: Contract
    graph: Graph


class Pointwise:
    """See the module."""

    name = "pointwise"

    @refusing
    def match(self, contract: Contract) -> Match | Refusal:
        graph = traced(contract)
        if isinstance(graph, Refusal):
            return graph
        missing = dict.fromkeys(node.op for node in _needed(graph) if not places(node))
        if missing:
            return Refusal(tuple(missing))
        match = Match(contract, graph)
        self.render(match, Configuration())
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        """Ways that differ in their text; a half type's rounding comes first where an exact output depends on it."""
        ways: dict[str, Configuration] = {}
        for way in all_ways(rounding_first=exact_from_half(match.graph)):
            ways.setdefault(repr(_parts(match, way)), way)
        return [replace(way, block=block, warps=warps) for block, warps in TILES for way in ways.values()]

    def render(self, match: Match, configuration: Configuration) -> str:
        return fill(_parts(match, configuration), configuration)


def _parts(match: Match, configuration: Configuration) -> Parts:
    """What the template is filled with."""
    graph, access = match.graph, Access(match.contract, match.graph)
    numerics = Numerics(configuration.exact)
    wanted = dict.fromkeys((*graph.results, *graph.mutated.values()))
    stages = kernels(graph, wanted, access, configuration)
    for stage in stages:
        stage.lower(numerics)
    return parts(match.contract, graph, access, stages, numerics, summary(_needed(graph)))


def kernels(graph: Graph, wanted: Iterable[Ref], access: Access, configuration: Configuration) -> list[Kernel]:
    """One for results that have the same sizes whatever the inputs' sizes, and that share a source."""
    groups: list[tuple[object, set[str], list[Ref]]] = []
    for ref in wanted:
        sizes, sources = graph.tensor(ref).sizes, _sources(graph, ref)
        for other, shared, refs in groups:
            if other == sizes and shared & sources:
                refs.append(ref)
                shared |= sources
                break
        else:
            groups.append((sizes, sources, [ref]))
    made = []
    for _, _, refs in groups:
        name = kernel_name((node for ref in refs for node in graph.ancestors([ref], depends)), "pointwise_kernel")
        made.append(Kernel(graph, refs, access, configuration, access.names.fresh(name)))
    return made


def _needed(graph: Graph) -> list[Node]:
    return graph.ancestors([*graph.results, *graph.mutated.values()], depends)


def _sources(graph: Graph, ref: Ref) -> set[str]:
    return {node.id for node in graph.ancestors([ref], depends) if node.op in SOURCES}


def exact_from_half(graph: Graph) -> bool:
    """Whether an integer or truth value that is compared exactly comes from computing in a half type."""
    return exact_from(graph, HALF)


def exact_from(graph: Graph, dtypes: Collection[str]) -> bool:
    """Whether an integer or truth value that is compared exactly comes from computing in one of these types."""
    exact = [ref for ref in graph.results if not is_float(graph.tensor(ref).dtype)]
    nodes = [node for ref in exact for node in graph.ancestors([ref], depends)]
    return any(node.computed and node.outputs[0].dtype in dtypes for node in nodes)
