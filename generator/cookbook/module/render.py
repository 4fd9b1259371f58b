"""The whole module: its summary, imports, helpers, kernels and wrapper, put into the template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, wraps
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Node
from pytest_kernelfalcon.generator.cookbook.module.merging import merged
from pytest_kernelfalcon.generator.cookbook.module.wrapper import Wrapper
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import IDENTITIES
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.pointwise.table import Unplaced
from pytest_kernelfalcon.generator.cookbook.pointwise.text import call
from pytest_kernelfalcon.generator.cookbook.pointwise.views import VIEWS
from pytest_kernelfalcon.generator.cookbook.recipe import Configuration, Refusal
from pytest_kernelfalcon.generator.cookbook.stage import Stage

Parts = dict[str, Any]
R = TypeVar("R")
"""A recipe."""
M = TypeVar("M")
"""What it makes of a contract."""


def refusing(match: Callable[[R, Contract], M | Refusal]) -> Callable[[R, Contract], M | Refusal]:
    """A recipe's `match` that refuses what turns out, on the way, to have no place: some of it only once rendered."""

    @wraps(match)
    def refuses(recipe: R, contract: Contract) -> M | Refusal:
        try:
            return match(recipe, contract)
        except Unplaced as unplaced:
            return Refusal((unplaced.op,))

    return refuses


def traced(contract: Contract) -> Graph | Refusal:
    """The contract's graph, or why no recipe can use it."""
    if "nodes" not in contract.graph:
        return Refusal(reason=f"its forward has no graph: {contract.graph.get('untraceable', 'none was traced')}")
    if taken := {"torch", "triton"} & {state.arg for state in contract.state}:
        return Refusal(reason=f"its state has the name of a module that the kernel needs: {', '.join(taken)}")
    return Graph.of(contract.graph)


def parts(
    contract: Contract, graph: Graph, access: Access, stages: Sequence[Stage], numerics: Numerics, summary: str
) -> Parts:
    """What the template is filled with."""
    stages = merged(stages, numerics)
    wrapper = Wrapper(contract, graph, access, stages)
    unique = {stage.name: stage for stage in stages}.values()
    kernels = [{"signature": call(f"def {s.name}", s.parameters(), ":", 0), "body": s.lines()} for s in unique]
    body = wrapper.lines()
    helpers = list(numerics.helpers.values())
    text = "\n".join([*helpers, *(line for kernel in kernels for line in kernel["body"])])
    return {
        "summary": summary, "libdevice": "libdevice." in text, "helpers": helpers, "kernels": kernels,
        "signature": wrapper.signature(), "body": body,
    }  # fmt: skip


def fill(parts: Parts, configuration: Configuration) -> str:
    """The module's text."""
    return _template().render(parts, configuration=configuration)


@cache
def _template() -> Template:
    loader = PackageLoader("pytest_kernelfalcon.generator.cookbook", "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("kernel.py.j2")


def words(nodes: Iterable[Node]) -> list[str]:
    """What the operations are called, without those that only arrange."""
    bases = [node.base for node in nodes if node.computed and node.base not in (*VIEWS, *IDENTITIES)]
    return list(dict.fromkeys(base.strip("_").removesuffix("_kernel").removesuffix("_forward") for base in bases))


def summary(nodes: Iterable[Node]) -> str:
    """The operations, for the file's first line; its end if they are many."""
    text = ", ".join(words(nodes)) or "copy"
    return text if len(text) <= 80 else f"{text[: text.rindex(',', 0, 76)]}, …"


def kernel_name(nodes: Iterable[Node], otherwise: str) -> str:
    """A name that says what a kernel computes, if that is little."""
    found = words(nodes)
    return f"{'_'.join(found)}_kernel" if 0 < len(found) <= 3 else otherwise
