"""Which way of writing each kernel of a module takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_kernelfalcon.generator.cookbook.graph import Graph, Ref
from pytest_kernelfalcon.generator.cookbook.pointwise.lowering import depends
from pytest_kernelfalcon.generator.cookbook.row.domain import Domain
from pytest_kernelfalcon.generator.cookbook.row.lowering import reduces
from pytest_kernelfalcon.generator.cookbook.row.options import Configuration, shapes


def main_domain(graph: Graph, wanted: Iterable[Ref]) -> Domain | None:
    """The domain of the most elements."""
    domains = [Domain.of(graph, node) for node in graph.ancestors(wanted, depends) if reduces(node)]
    return max(domains, key=lambda domain: domain.count() * domain.length(), default=None)


def way_for(domain: Domain, main: Domain | None, way: Configuration) -> Configuration:
    """How a kernel over `domain` is written where `way` is for `main`: likewise if their rows are of one kind."""
    own = shapes(domain, few=False)
    if main is None or own == shapes(main, few=False):
        return way if domain.kept else replace(way, rows=0)
    return replace(own[0], split=way.split, pointwise=way.pointwise)
