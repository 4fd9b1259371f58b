"""The stages of a graph: a kernel for each product, and what the planner of rows makes of the rest."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.cookbook.graph import Graph, Ref
from pytest_kernelfalcon.generator.cookbook.matmul.kernel import Product, Sizes
from pytest_kernelfalcon.generator.cookbook.matmul.options import Configuration
from pytest_kernelfalcon.generator.cookbook.matmul.plan import Part, Planner
from pytest_kernelfalcon.generator.cookbook.matmul.rows import RowProduct
from pytest_kernelfalcon.generator.cookbook.matmul.split import with_partials
from pytest_kernelfalcon.generator.cookbook.module.render import kernel_name
from pytest_kernelfalcon.generator.cookbook.pointwise.kernel import Kernel
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.pointwise.numerics import Numerics
from pytest_kernelfalcon.generator.cookbook.pointwise.scope import Access
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.kernel import RowKernel
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration as RowConfiguration
from pytest_kernelfalcon.generator.cookbook.row.options import shapes
from pytest_kernelfalcon.generator.cookbook.row.plan import plan_stages


class Stages:
    """graph: that is computed, in which long sums may be in parts. stages: lowered, in order of execution."""

    def __init__(self, contract: Contract, graph: Graph, way: Configuration) -> None:
        self.way, self.numerics = way, Numerics(way.pointwise.exact)
        self.access = Access(contract, graph)
        self.sizes = Sizes.of(self.access)
        self.graph = with_partials(graph, self.access.names) if way.split else graph
        self.planner = Planner(self.graph, fused=way.fused > 0, inline=way.inline)
        self.stages = [stage for part in self.planner.parts() for stage in self._of(part)]
        for stage in self.stages:
            stage.lower(self.numerics)

    def _of(self, part: Part) -> list[Kernel | RowKernel]:
        """The kernels of one part."""
        planner, way = self.planner, self.way
        if part.product is None:
            graph = self.graph.cut(planner.cuts)
            return plan_stages(graph, part.refs, self.access, _row_way(graph, part.refs, way))
        graph = self.graph.cut([*planner.cuts, Ref(part.product.id)])
        operands = planner.operands(part.product)
        given: dict[str, Any] = {"product": part.product, "operands": operands, "way": way, "sizes": self.sizes}
        reductions = [node for node in planner.reads(part.refs) if reduces(node)]
        if not reductions:
            named = kernel_name(planner.reads(part.refs), "matmul_kernel")
            name = self.access.names.fresh(re.sub("(?<![a-z])b?mm(?=_)", "matmul", named))
            return [Product(graph, [*part.refs], self.access, way.pointwise, name, **given)]
        origins = (node.origin.strip("_").removeprefix("native_") for node in reductions)
        name = self.access.names.fresh("_".join(["matmul", *dict.fromkeys(origins), "kernel"]))
        given["domain"] = Domain.of(self.graph, self.graph.nodes[reductions[0].id])
        return [RowProduct(graph, [*part.refs], self.access, way.pointwise, name, **given)]


def _row_way(graph: Graph, refs: tuple[Ref, ...], way: Configuration) -> RowConfiguration:
    """How the reductions between products are written: as the row that has the most elements wants it."""
    domains = [Domain.of(graph, node) for node in graph.ancestors(refs, depends) if reduces(node)]
    if not domains:
        return RowConfiguration(pointwise=way.pointwise)
    domain = max(domains, key=lambda d: d.count() * d.length())
    ways = shapes(domain, few=False)
    return replace(ways[way.row % len(ways)], pointwise=way.pointwise)
