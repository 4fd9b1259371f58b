"""Cuts a graph into stages: row kernels and pointwise kernels, in order of execution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import kernels
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain, Misaligned
from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration


@dataclass
class Part:
    """A row stage in the making. reductions: of its domain. refs: what it leaves in memory."""

    domain: Domain
    reductions: list[str] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)


class Planner:
    """graph: in normal form. Parts are in order of execution: each reads only what earlier ones left."""

    def __init__(self, graph: Graph, wanted: Iterable[Ref], access: Access, way: Configuration) -> None:
        self.graph, self.access, self.way = graph, access, way
        self.wanted = list(dict.fromkeys(wanted))
        self.parts: list[Part] = []
        self.home: dict[str, int] = {}

    def stages(self) -> list[RowKernel | Kernel]:
        """The stages, not lowered yet."""
        for node in self.graph.ancestors(self.wanted, depends):
            if reduces(node):
                self._place(node)
        left = [ref for ref in self.wanted if not self._ends(ref)]
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

    def _fits(self, part: Part, reductions: list[str], k: int, refs: Iterable[Ref] = ()) -> bool:
        """Whether these belong into one kernel after all earlier parts."""
        targets = [Ref(id, output) for id in reductions for output in range(len(self.graph.nodes[id].outputs))]
        own = {*reductions}
        inside = [node for node in self._above([*targets, *refs]) if node.id not in own]
        if any(self.home[node.id] >= k for node in inside):
            return False
        graph = self.graph.cut(Ref(node.id, o) for node in inside for o in range(len(node.outputs)))
        wanted = [*targets, *refs]
        shared = part.domain.shared
        if shared and refs:
            return False
        if not shared and any(_size(graph, ref) not in (part.domain.count(), _whole(part.domain)) for ref in wanted):
            return False
        kernel = RowKernel(graph, wanted, Access.blank(self.access), self.way, "kernel", part.domain)
        try:
            kernel.lower(Numerics(self.way.pointwise.exact))
        except Misaligned:
            return False
        return True

    def _leave(self, left: list[Ref]) -> None:
        """Has every part leave what later parts and pointwise stages read of it."""
        for k in range(len(self.parts) - 1, -1, -1):
            part = self.parts[k]
            targets = [Ref(id) for id in part.reductions]
            self._mark([*targets, *part.refs], k)
        self._mark(left, len(self.parts))

    def _mark(self, refs: list[Ref], k: int) -> None:
        """Marks what these, computed in part `k`, read of reductions in earlier parts."""
        seen: set[Ref] = set()
        pending = list(refs)
        while pending:
            ref = pending.pop()
            if ref in seen:
                continue
            seen.add(ref)
            node = self.graph.nodes[ref.node]
            if reduces(node) and self.home[node.id] < k:
                owner = self.parts[self.home[node.id]]
                if ref not in owner.refs:
                    owner.refs.append(ref)
                continue
            pending += depends(node)

    def _kernel(self, part: Part, done: list[Ref]) -> RowKernel:
        inner = [ref for ref in done if reduces(self.graph.nodes[ref.node])]
        nodes = self.graph.ancestors(part.refs, depends)
        name = self.access.names.fresh(_name([node for node in nodes if node.id in part.reductions]))
        return RowKernel(self.graph.cut(inner), part.refs, self.access, self.way, name, part.domain)


def plan_stages(graph: Graph, wanted: Iterable[Ref], access: Access, way: Configuration) -> list[RowKernel | Kernel]:
    """Stages that compute `wanted`, not lowered yet. graph: in normal form; its sources may be workspaces."""
    return Planner(graph, wanted, access, way).stages()


def _size(graph: Graph, ref: Ref) -> int:
    count = 1
    for size in graph.tensor(ref).shape:
        count *= size
    return count


def _whole(domain: Domain) -> int:
    return domain.count() * domain.length()


def _name(nodes: list[Node]) -> str:
    """After the operations that the reductions belong to."""
    found = list(dict.fromkeys(node.origin.strip("_").removeprefix("native_") for node in nodes))
    return f"{'_'.join(found)}_kernel" if 0 < len(found) <= 3 else "row_kernel"
