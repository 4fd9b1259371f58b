"""The cases of this folder, and one judge for them: a problem that several share is inspected once, and a candidate
that stands beside several cheats is judged once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.gates import GATES, GateName
from pytest_kernelfalcon.judge.judge import Judge

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/expect.json"))
SECONDS = 120.0
"""For an inspection, and for a verdict."""
TARGETS = (90,)
"""No cheat is about one GPU and not another; to compile for all that the gate wants would take a third of the time."""


@dataclass(frozen=True)
class Sentence:
    """What became of a candidate, or of the problem that came with it. text: all that is known, for a failing test."""

    outcome: str
    cause: str | None
    text: str


class Court:
    """Judges the cases' texts. contract: another court's, which need not inspect them again."""

    def __init__(
        self, judge: Judge, contract: Callable[[str], Contract] | None = None, gate: GateName = "accept"
    ) -> None:
        self.judge, self.gate = judge, gate
        self.contract = contract or cache(self._contract)
        self.sentence = cache(self._sentence)

    def _contract(self, problem: str) -> Contract:
        return self.judge.inspect(Problem("problem.py", problem), Control().within(SECONDS))

    def _sentence(self, problem: str, candidate: str) -> Sentence:
        wanted = {name: replace(gate, targets=TARGETS) for name, gate in GATES.items()}
        try:
            with mock.patch.dict(GATES, wanted):
                verdict = self.judge.judge(self.contract(problem), candidate, self.gate, Control().within(SECONDS))
        except ProblemError as error:
            return Sentence(error.outcome, error.cause.value, str(error))
        return Sentence(verdict.outcome, verdict.cause, str(verdict))

    def cheat(self, case: str) -> Sentence:
        return self.sentence(_text(case, "problem.py"), _text(case, "cheat.py"))

    def honest(self, case: str) -> Sentence:
        """The look-alike, on a look-alike of the problem where the cheat is the problem itself."""
        problem = "honest_problem.py" if (HERE / case / "honest_problem.py").exists() else "problem.py"
        return self.sentence(_text(case, problem), _text(case, "honest.py"))


def expected(case: str) -> dict[str, Any]:
    """outcome, causes: what may be given; defence: in the table of defences.py; platforms: where it can show, if not
    everywhere; under the name of a platform, what may be given there.
    """
    found: dict[str, Any] = json.loads((HERE / case / "expect.json").read_text())
    return found


def _text(case: str, file: str) -> str:
    return (HERE / case / file).read_text()
