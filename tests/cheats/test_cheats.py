"""Every cheat is refused for the reason that it names, and the honest candidate beside it is accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/expect.json"))


class Court:
    """One judge for all cases; a problem that several cases share is inspected once."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.contract = cache(self._contract)

    def _contract(self, text: str) -> Contract:
        return self.judge.inspect(Problem("problem.py", text), Control().within(60))

    def verdict(self, case: str, candidate: str) -> Verdict:
        contract = self.contract((HERE / case / "problem.py").read_text())
        source = (HERE / case / f"{candidate}.py").read_text()
        return self.judge.judge(contract, source, "accept", Control().within(60))


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    judge = Judge()
    try:
        yield Court(judge)
    finally:
        judge.close()


@pytest.mark.parametrize("case", CASES)
def test_a_cheat_is_refused_for_its_reason(court: Court, case: str) -> None:
    expect = json.loads((HERE / case / "expect.json").read_text())
    expect = expect.get(court.judge.platform, expect)
    verdict = court.verdict(case, "cheat")
    assert (verdict.outcome, verdict.cause in expect["causes"]) == (expect["outcome"], True), verdict


@pytest.mark.parametrize("case", CASES)
def test_its_honest_look_alike_is_accepted(court: Court, case: str) -> None:
    verdict = court.verdict(case, "honest")
    assert verdict.outcome == "accepted", verdict


@pytest.mark.parametrize("case", CASES)
def test_a_cheat_names_its_defence_in_its_first_line(case: str) -> None:
    assert (HERE / case / "cheat.py").read_text().startswith('"""Stopped by: ')
