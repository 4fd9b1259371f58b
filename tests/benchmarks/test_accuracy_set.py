"""Of the set on which the accuracy gate is calibrated, what hangs on more than a comparison with eager."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from benchmarks.accuracy.candidates import Candidate, candidates, families, problem
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

FAMILIES = ("casting", "cumsum", "fake_quantise", "finfo_eps", "gate")
"""Casts and limits in `forward`, sums that eager makes in a wider type, and what follows a decision."""
TRIED = [candidate for family in FAMILIES for candidate in candidates(family)]


class Bench:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._contract = cache(self._inspect)

    def _inspect(self, family: str) -> Contract:
        return self._judge.inspect(Problem(f"{family}.py", problem(family)), Control().within(60))

    def verdict(self, candidate: Candidate) -> Verdict:
        contract = self._contract(candidate.family)
        return self._judge.judge(contract, candidate.source, "accept", Control().within(60))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Judge("cpu") as judge:
        yield Bench(judge)


@pytest.mark.parametrize("candidate", TRIED, ids=[f"{c.family}: {c.name}" for c in TRIED])
def test_the_honest_pass_and_the_dishonest_do_not(bench: Bench, candidate: Candidate) -> None:
    verdict = bench.verdict(candidate)
    assert (verdict.outcome == "accepted") == candidate.honest, verdict


def test_what_was_right_by_more_than_eagers_errors_is_flagged(bench: Bench) -> None:
    found = {c.family: bench.verdict(c).flags for c in TRIED if c.name == "blocks"}
    assert "operation_floor" in found["cumsum"]


@pytest.mark.parametrize("family", ["matmul", "row_sum"])
def test_atomics_are_right_and_flagged(bench: Bench, family: str) -> None:
    flags = {c.name: bench.verdict(c).flags for c in candidates(family) if "atomics" in c.name or c.name == "ieee"}
    assert all(("nondeterministic" in flags[name]) == ("atomics" in name) for name in flags), flags


def test_every_candidate_differs_from_all_others() -> None:
    texts = [(c.family, c.source) for family in families() for c in candidates(family)]
    assert len(texts) > 100
    assert len(set(texts)) == len(texts)
