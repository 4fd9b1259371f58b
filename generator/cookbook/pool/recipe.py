"""The recipe *pool*: windows that slide over an image, and the pointwise operations before and after them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.module.render import Parts, fill, parts, refusing, summary, traced
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.options import TILES, Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import kernels
from pytest_kernelfalcon.generator.cookbook.pointwise.replay import Path
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.views import is_view
from pytest_kernelfalcon.generator.cookbook.pool.kernel import Pool
from pytest_kernelfalcon.generator.cookbook.pool.window import POOLS
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.generator.cookbook.row.domain import RESHAPES


@dataclass(frozen=True)
class Match:
    """A contract whose graph is pools and pointwise operations."""

    contract: Contract
    graph: Graph

    @property
    def wanted(self) -> list[Ref]:
        return list(dict.fromkeys((*self.graph.results, *self.graph.mutated.values())))


class Pooling:
    """See the module."""

    name = "pool"

    @refusing
    def match(self, contract: Contract) -> Match | Refusal:
        graph = traced(contract)
        if isinstance(graph, Refusal):
            return graph
        match = Match(contract, graph)
        needed = graph.ancestors(match.wanted, depends)
        if not any(node.base in POOLS for node in needed):
            return Refusal(reason="it pools nothing")
        if missing := dict.fromkeys(node.op for node in needed if not (places(node) or node.base in POOLS)):
            return Refusal(tuple(missing))
        self.render(match, Configuration())
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        ways: dict[str, Configuration] = {}
        for exact in (True, False):
            ways.setdefault(repr(_parts(match, Configuration(exact=exact))), Configuration(exact=exact))
        return [replace(way, block=block, warps=warps) for block, warps in TILES for way in ways.values()]

    def render(self, match: Match, configuration: Configuration) -> str:
        return fill(_parts(match, configuration), configuration)


def _parts(match: Match, way: Configuration) -> Parts:
    """What the template is filled with."""
    access, numerics = Access(match.contract, match.graph), Numerics(way.exact)
    stages: list[Pool | Kernel] = []
    done: list[Ref] = []
    needed = match.graph.ancestors(match.wanted, depends)
    for node in (node for node in needed if node.base in POOLS):
        source, path = _source(match.graph, node.args[0], done)
        if source not in done and match.graph.nodes[source.node].op not in SOURCES:
            stages += kernels(match.graph.cut(done), [source], access, way)
            done.append(source)
        result = _result(match, node)
        graph = match.graph.cut(done)
        read = graph.nodes[Graph.workspace(source) if source in done else source.node]
        name = access.names.fresh(f"{node.base.removesuffix('_with_indices')}_kernel")
        stages.append(Pool(graph, [result], access, way, name, node, read, path))
        done.append(result)
    left = [ref for ref in match.wanted if ref not in done]
    stages += kernels(match.graph.cut(done), left, access, way)
    for stage in stages:
        stage.lower(numerics)
    return parts(match.contract, match.graph, access, stages, numerics, summary(needed))


def _source(graph: Graph, ref: Ref, done: list[Ref]) -> tuple[Ref, Path]:
    """What lies in memory, or is to, and the views through which `ref` is seen of it."""
    path: Path = ()
    node = graph.nodes[ref.node]
    while ref not in done and node.op not in SOURCES and is_view(node):
        path = (ref, *path)
        ref = node.args[0]
        node = graph.nodes[ref.node]
    return ref, path


def _result(match: Match, node: Node) -> Ref:
    """The pool's result, or the result of the contract that is the same in another shape."""
    found = Ref(node.id)
    users = [user for user in match.graph.nodes.values() if found in depends(user)] if found not in match.wanted else []
    if len(users) == 1 and users[0].base in RESHAPES and Ref(users[0].id) in match.wanted:
        return Ref(users[0].id)
    return found
