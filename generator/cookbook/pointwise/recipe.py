"""The recipe *pointwise*: elementwise operations with broadcasting, one kernel for each shape that is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jinja2 import Environment, PackageLoader, StrictUndefined

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import IDENTITIES, depends, places
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.options import TILES, Configuration, all_ways
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import HALF, call, is_float
from pytest_kernelfalcon.generator.cookbook.pointwise.views import VIEWS
from pytest_kernelfalcon.generator.cookbook.pointwise.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal


@dataclass(frozen=True)
class Match:
    """A contract whose graph is pointwise."""

    contract: Contract
    graph: Graph


class Pointwise:
    """See the module."""

    name = "pointwise"

    def __init__(self) -> None:
        loader = PackageLoader("pytest_kernelfalcon.generator.cookbook", "templates")
        environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.get_template("pointwise.py.j2")

    def match(self, contract: Contract) -> Match | Refusal:
        if "nodes" not in contract.graph:
            return Refusal(reason=f"its forward has no graph: {contract.graph.get('untraceable', 'none was traced')}")
        graph = Graph.of(contract.graph)
        missing = dict.fromkeys(node.op for node in _needed(graph) if not places(node))
        if missing:
            return Refusal(tuple(missing))
        if taken := {"torch", "triton"} & {state.arg for state in contract.state}:
            return Refusal(reason=f"its state has the name of a module that the kernel needs: {', '.join(taken)}")
        match = Match(contract, graph)
        try:
            self.render(match, Configuration())
        except Unplaced as unplaced:
            return Refusal((unplaced.op,))
        return match

    def configurations(self, match: Match) -> list[Configuration]:
        """Ways that differ in their text; a half type's rounding comes first where an exact output depends on it."""
        ways: dict[str, Configuration] = {}
        for way in all_ways(rounding_first=_exact_from_half(match.graph)):
            ways.setdefault(repr(_parts(match, way)), way)
        return [replace(way, block=block, warps=warps) for block, warps in TILES for way in ways.values()]

    def render(self, match: Match, configuration: Configuration) -> str:
        parts = _parts(match, configuration)
        return self._template.render(parts, configuration=configuration)


def _parts(match: Match, configuration: Configuration) -> dict[str, object]:
    """What the template is filled with."""
    graph, access = match.graph, Access(match.contract, match.graph)
    numerics = Numerics(configuration.exact)
    kernels = _kernels(graph, access, configuration)
    for kernel in kernels:
        kernel.lower(numerics)
    wrapper = Wrapper(match.contract, graph, access, kernels, configuration)
    definitions = [
        {
            "signature": call(f"def {kernel.name}", [*kernel.parameters(), "BLOCK: tl.constexpr"], ":", 0),
            "body": kernel.lines(),
        }
        for kernel in kernels
    ]
    helpers = list(numerics.helpers.values())
    body = wrapper.lines()
    text = "\n".join([*helpers, *(line for definition in definitions for line in definition["body"])])
    return {
        "summary": _summary(graph), "libdevice": "libdevice." in text, "helpers": helpers, "kernels": definitions,
        "signature": wrapper.signature(), "body": body,
    }  # fmt: skip


def _kernels(graph: Graph, access: Access, configuration: Configuration) -> list[Kernel]:
    """One for results that have the same sizes whatever the inputs' sizes, and that share an input."""
    groups: list[tuple[object, set[str], list[Ref]]] = []
    for ref in dict.fromkeys((*graph.results, *graph.mutated.values())):
        sizes, sources = graph.tensor(ref).sizes, _sources(graph, ref)
        for other, shared, refs in groups:
            if other == sizes and shared & sources:
                refs.append(ref)
                shared |= sources
                break
        else:
            groups.append((sizes, sources, [ref]))
    names = [access.names.fresh(_kernel_name(graph, refs)) for _, _, refs in groups]
    return [Kernel(graph, refs, access, configuration, name) for name, (_, _, refs) in zip(names, groups, strict=True)]


def _needed(graph: Graph) -> list[Node]:
    return graph.ancestors([*graph.results, *graph.mutated.values()], depends)


def _sources(graph: Graph, ref: Ref) -> set[str]:
    return {node.id for node in graph.ancestors([ref], depends) if node.op in ("input", "state")}


def _words(nodes: Iterable[Node]) -> list[str]:
    """What the operations are called, without those that only arrange."""
    bases = [node.base for node in nodes if node.computed and node.base not in (*VIEWS, *IDENTITIES)]
    return list(dict.fromkeys(base.strip("_").removesuffix("_kernel").removesuffix("_forward") for base in bases))


def _kernel_name(graph: Graph, refs: list[Ref]) -> str:
    words = _words(node for ref in refs for node in graph.ancestors([ref], depends))
    return f"{'_'.join(words)}_kernel" if 0 < len(words) <= 3 else "pointwise_kernel"


def _summary(graph: Graph) -> str:
    """The operations, for the file's first line; its end if they are many."""
    words = ", ".join(_words(_needed(graph))) or "copy"
    return words if len(words) <= 80 else f"{words[: words.rindex(',', 0, 76)]}, …"


def _exact_from_half(graph: Graph) -> bool:
    """Whether an integer or truth value that is compared exactly comes from computing in a half type."""
    exact = [ref for ref in graph.results if not is_float(graph.tensor(ref).dtype)]
    nodes = [node for ref in exact for node in graph.ancestors([ref], depends)]
    return any(node.computed and node.outputs[0].dtype in HALF for node in nodes)
