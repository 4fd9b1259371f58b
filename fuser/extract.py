"""From a problem to its plan: the contracts of its subgraphs."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.plan import Plan
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.fuser.outline import outline


class Inspector(Protocol):
    """What planning needs of the judge."""

    def inspect(self, problem: Problem, control: Control) -> Contract: ...


def plan(problem: Problem, judge: Inspector, control: Control) -> Plan:
    """The plan whose contracts have the ids of `outline`: one contract, the whole problem.

    Raises ProblemError for a problem that is broken or inadmissible, JudgeError and Cancelled.
    """
    (whole,) = outline(problem)
    return Plan(problem.sha256, [replace(judge.inspect(problem, control), id=whole)])
