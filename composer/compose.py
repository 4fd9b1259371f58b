"""From accepted kernels to one module."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_kernelfalcon.contracts.plan import Plan


def compose(plan: Plan, sources: Mapping[str, str]) -> str:
    """The composed module of a plan with exactly one contract: the accepted kernel's own text.

    sources: the accepted kernel of each contract, by id. Raises ValueError for a plan of several contracts, whose
    kernels this function cannot put together, and KeyError for a contract without a kernel.
    """
    if len(plan.contracts) != 1:
        raise ValueError(f"a plan of {len(plan.contracts)} contracts cannot be composed: it must have exactly one")
    return sources[plan.contracts[0].id]
