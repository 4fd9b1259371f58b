"""Which subgraphs a problem will have, known before anything of it runs."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.problem import Problem

WHOLE = "model"
"""The id of the one subgraph that is the whole problem."""


def outline(problem: Problem) -> list[str]:
    """The subgraphs' ids in the order of the forward, from the text alone. Today every problem is one subgraph."""
    return [WHOLE]
