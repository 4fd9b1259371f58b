"""Cuts a graph into stages: row kernels and pointwise kernels, in order of execution."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import SOURCES, Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import kernels
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain, Misaligned
from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration
from pytest_kernelfalcon.generator.cookbook.row.ways import main_domain, way_for


@dataclass
class Part:
    """A row stage in the making. reductions: of its domain. refs: what it leaves in memory."""

    domain: Domain
    reductions: list[str] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)


class Planner:
    """graph: in normal form. Parts are in order of execution: each reads only what earlier ones left.

    main: the domain of the most elements, which `way` is for; others take what suits them best.
    """

    def __init__(self, graph: Graph, wanted: Iterable[Ref], access: Access, way: Configuration) -> None:
        self.graph, self.access, self.way = graph, access, way
        self.wanted = list(dict.fromkeys(wanted))
        self.main = main_domain(graph, self.wanted)
        self.parts: list[Part] = []
        self.home: dict[str, int] = {}

    def stages(self) -> list[RowKernel | Kernel]:
        """The stages, not lowered yet."""
        for node in self.graph.ancestors(self.wanted, depends):
            if reduces(node):
                self._place(node)
        left = [ref for ref in self.wanted if not (self._ends(ref) or self._shares(ref))]
        left = [ref for ref in left if not self._rides(ref)]
        self._leave(left)
        done: list[Ref] = []
        found: list[RowKernel | Kernel] = []
        for part in self.parts:
            if part.refs:
                found.append(self._kernel(part, done))
                done += part.refs
        if left:
            inner = [ref for ref in done if ref not in self.wanted or reduces(self.graph.nodes[ref.node])]
            graph = self.graph.cut(inner)
            found += kernels(graph, left, self.access, self.way.pointwise)
        return found

    def _above(self, refs: Iterable[Ref]) -> list[Node]:
        """The reductions that these depend on."""
        return [node for node in self.graph.ancestors(refs, depends) if reduces(node)]

    def _place(self, node: Node) -> None:
        """Gives a reduction its part: one of the same domain that has all it needs, or a new one."""
        domain, above = Domain.of(self.graph, node), self._above(node.args[:1])
        first = max((self.home[other.id] for other in above), default=0)
        for k in range(first, len(self.parts)):
            part = self.parts[k]
            if part.domain == domain and self._fits(part, [*part.reductions, node.id], k):
                part.reductions.append(node.id)
                self.home[node.id] = k
                return
        self.home[node.id] = len(self.parts)
        self.parts.append(Part(domain, [node.id]))

    def _ends(self, ref: Ref) -> bool:
        """Whether the last part that a result depends on can compute it; it then does."""
        above = self._above([ref])
        if not above:
            return False
        k = max(self.home[node.id] for node in above)
        part = self.parts[k]
        if not self._fits(part, part.reductions, k, [*part.refs, ref]):
            return False
        part.refs.append(ref)
        return True

    def _shares(self, ref: Ref) -> bool:
        """Whether the programs that share the rows of a domain can compute a result of its shape; they then do."""
        wholes = [node.kwargs["whole"] for node in self._above([ref]) if "whole" in node.kwargs]
        for domain in wholes:
            known = [part for part in self.parts if part.domain == domain and not part.reductions]
            part = known[0] if known else Part(domain)
            if self._fits(part, [], len(self.parts), [*part.refs, ref]):
                self.parts += [] if known else [part]
                part.refs.append(ref)
                return True
        return False

    def _rides(self, ref: Ref) -> bool:
        """Whether a part that reads the same sources can compute a result that needs no reduction; it then does."""
        sources, size = self._sources([ref]), self._size(ref)
        if self._above([ref]) or not sources:
            return False
        for k, part in enumerate(self.parts):
            writes = any(self._size(other) == size for other in part.refs)
            if not writes or part.domain.count() * part.domain.length() != size:
                continue
            reads = self._sources([*(Ref(id) for id in part.reductions), *part.refs])
            if sources <= reads and self._fits(part, part.reductions, k, [*part.refs, ref]):
                part.refs.append(ref)
                return True
        return False

    def _size(self, ref: Ref) -> int:
        return math.prod(self.graph.tensor(ref).shape)

    def _sources(self, refs: Iterable[Ref]) -> set[str]:
        return {node.id for node in self.graph.ancestors(refs, depends) if node.op in SOURCES}

    def _fits(self, part: Part, reductions: list[str], k: int, refs: Iterable[Ref] = ()) -> bool:
        """Whether these belong into one kernel after all earlier parts."""
        targets = [Ref(id, output) for id in reductions for output in range(len(self.graph.nodes[id].outputs))]
        own = {*reductions}
        inside = [node for node in self._above([*targets, *refs]) if node.id not in own]
        if any(self.home[node.id] >= k for node in inside):
            return False
        inside = [node for node in inside if not part.domain.joins(node)]
        graph = self.graph.cut(Ref(node.id, o) for node in inside for o in range(len(node.outputs)))
        if not all(self._has_size(graph, ref, part.domain) for ref in refs):
            return False
        if not part.domain.shared and not all(self._has_size(graph, ref, part.domain) for ref in targets):
            return False
        way = way_for(part.domain, self.main, self.way)
        kernel = RowKernel(graph, [*targets, *refs], Access.blank(self.access), way, "kernel", part.domain)
        try:
            kernel.lower(Numerics(self.way.pointwise.exact))
        except Misaligned:
            return False
        return True

    def _has_size(self, graph: Graph, ref: Ref, domain: Domain) -> bool:
        """Whether a result is one value an element of the domain, or a row that one program has."""
        size = math.prod(graph.tensor(ref).shape)
        return size == domain.count() * domain.length() or (not domain.shared and size == domain.count())

    def _leave(self, left: list[Ref]) -> None:
        """Has every part leave what later parts and pointwise stages read of it."""
        for k in range(len(self.parts) - 1, -1, -1):
            part = self.parts[k]
            targets = [Ref(id) for id in part.reductions]
            self._mark([*targets, *part.refs], k)
        self._mark(left, len(self.parts))
        for part in self.parts:
            part.refs.sort(key=lambda ref: (_place(part.reductions, ref.node), ref.output))

    def _mark(self, refs: list[Ref], k: int) -> None:
        """Marks what these, computed in part `k`, read of reductions in earlier parts."""
        domain = self.parts[k].domain if k < len(self.parts) else None
        seen: set[Ref] = set()
        pending = list(refs)
        while pending:
            ref = pending.pop()
            if ref in seen:
                continue
            seen.add(ref)
            node = self.graph.nodes[ref.node]
            joins = domain is not None and domain.joins(node)
            if reduces(node) and self.home[node.id] < k and not joins:
                owner = self.parts[self.home[node.id]]
                if ref not in owner.refs:
                    owner.refs.append(ref)
                continue
            pending += depends(node)

    def _kernel(self, part: Part, done: list[Ref]) -> RowKernel:
        inner = [ref for ref in done if reduces(self.graph.nodes[ref.node])]
        graph = self.graph.cut(inner)
        nodes = graph.ancestors(part.refs, depends)
        own = [node for node in nodes if node.id in part.reductions or part.domain.joins(node)]
        name = self.access.names.fresh(_name(own, "parts" if part.reductions and part.domain.shared else ""))
        return RowKernel(graph, part.refs, self.access, way_for(part.domain, self.main, self.way), name, part.domain)


def _place(ids: list[str], id: str) -> int:
    return ids.index(id) if id in ids else len(ids)


def plan_stages(graph: Graph, wanted: Iterable[Ref], access: Access, way: Configuration) -> list[RowKernel | Kernel]:
    """Stages that compute `wanted`, not lowered yet. graph: in normal form; its sources may be workspaces."""
    return Planner(graph, wanted, access, way).stages()


def _name(nodes: list[Node], what: str) -> str:
    """After the operations that the reductions belong to."""
    origins = (node.origin.strip("_").removeprefix("native_").removeprefix("linalg_") for node in nodes)
    found = list(dict.fromkeys(origin.removesuffix("_forward") for origin in origins))
    return "_".join([*(found if 0 < len(found) <= 3 else ["row"]), *([what] if what else []), "kernel"])
