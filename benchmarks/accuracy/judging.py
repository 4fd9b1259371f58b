"""Judging the candidates of one family, in whatever process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.accuracy.candidates import Candidate, problem
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.judge.judge import Judge

SECONDS = 120.0
Result = dict[str, Any]


def judged(platform: str, family: str, wanted: Sequence[Candidate]) -> list[Result]:
    """Of candidates of one family, in a process of its own."""
    with Judge(platform) as judge:
        contract = judge.inspect(Problem(f"{family}.py", problem(family)), Control().within(SECONDS))
        return [_judged(judge, contract, candidate) for candidate in wanted]


def _judged(judge: Judge, contract: Any, candidate: Candidate) -> Result:
    verdict = judge.judge(contract, candidate.source, "accept", Control().within(SECONDS))
    return {
        "family": candidate.family,
        "name": candidate.name,
        "honest": candidate.honest,
        "kernel_sha256": sha256(candidate.source),
        "platform": judge.platform,
        "device": judge.device,
        "outcome": verdict.outcome,
        "cause": verdict.cause,
        "message": verdict.message,
        "case": verdict.case,
        "worst": verdict.worst,
        "flags": verdict.flags,
        "cases": verdict.cases,
    }
