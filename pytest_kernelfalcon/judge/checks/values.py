"""One call's values, held against eager's and fp64's; where they seem wrong, against what is honest besides."""

from __future__ import annotations

from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.accuracy import Honest, Judgement, decide
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.trial import Run, Trial
from pytest_kernelfalcon.judge.wire import close_all

DOUBTFUL = (Cause.INACCURATE, Cause.VALUES_DIFFER)
"""What eager's luck, a sum in a narrower type than eager's, or a decision on an edge may look like."""
OPERATION_FLOOR, OTHER_DECISIONS = "operation_floor", "other_decisions"
"""Flags: right by the errors that honest arithmetic has, though not by eager's; right by decisions on an edge."""
SUSPECT = 64.0
"""Of half an ulp at the RMS of the truth: an error of eager's beyond it may come from a decision that it took, and is
then no measure for others.
"""


def accurate(trial: Trial, run: Run) -> None:
    """The check; raises `Found` with the worst element."""
    for judgement in judgements(trial, run):
        if judgement.cause is not None:
            case = run.case.to_json()
            raise Found(Finding(judgement.cause, trial.stage, judgement.facts, case=case, worst=judgement.worst))
        trial.note(judgement)


def judgements(trial: Trial, run: Run) -> list[Judgement]:
    """One an output."""
    look = Look(trial, run)
    try:
        return look.judge()
    finally:
        look.close()


class Look:
    """The outputs of one call. What honest arithmetic may give (roles/leeway.py) is asked for at the first need."""

    def __init__(self, trial: Trial, run: Run) -> None:
        self.trial, self.run = trial, run
        self._known: tuple[list[dict[str, Any]], list[int]] | None = None

    def close(self) -> None:
        close_all(self._known[1] if self._known else [])

    @property
    def known(self) -> list[dict[str, Any]]:
        """One entry an output; none where nothing is known."""
        if self._known is None:
            self._known = self.trial.leeway(self.run.case)
        return self._known[0]

    def judge(self) -> list[Judgement]:
        """One an output, of which the last look decides."""
        figures = self.trial.compare(self.run)
        self.run.digests = [numbers["digest"] for numbers in figures]
        decided = self._eager_decided(figures)
        judgements = self._judgements(self._figures(True) if decided else figures)
        for flag, decisions in ((OPERATION_FLOOR, decided), (OTHER_DECISIONS, True)):
            if not any(judgement.cause in DOUBTFUL for judgement in judgements) or not self.known:
                break
            self._pool_more_draws()
            judgements = self._judgements(self._figures(decisions), honest=True)
            if all(judgement.cause is None for judgement in judgements):
                self.trial.flag(flag)
        return judgements

    def _figures(self, decisions: bool) -> list[dict[str, Any]]:
        """decisions: each error is the distance to the nearest value that a decision on an edge gives."""
        if not decisions:
            return self.trial.compare(self.run)
        also = [entry["also"] for entry in self.known]
        return self.trial.compare(self.run, also, self._known[1] if self._known else [])

    def _eager_decided(self, figures: list[dict[str, Any]]) -> bool:
        """Whether eager's error is so large that decisions must be looked at, and they explain it."""
        kind = self.run.case.kind
        off = [i for i, numbers in enumerate(figures) if _eager_error(numbers) > SUSPECT]
        if not off or kind in self.trial.undecided_kinds or not self.known:
            return False
        again = self._figures(True)
        if any(_eager_error(again[i]) < _eager_error(figures[i]) / 2 for i in off):
            return True
        self.trial.undecided_kinds.add(kind)
        return False

    def _pool_more_draws(self) -> None:
        for index, entry in enumerate(self.known):
            for rms, top in entry["eager"]:
                if rms <= SUSPECT:
                    self.trial.pool.add(index, self.run.case.kind, rms, top)

    def _judgements(self, figures: list[dict[str, Any]], honest: bool = False) -> list[Judgement]:
        entries = self.known if honest else []
        least = [Honest(entry["rms"], entry["top"]) for entry in entries] or [Honest()] * len(figures)
        rows = enumerate(zip(figures, least, strict=True))
        return [decide(i, numbers, self.trial.pool, self.run.case.kind, errors) for i, (numbers, errors) in rows]


def _eager_error(figures: dict[str, Any]) -> float:
    """RMS, in units of half an ulp at the RMS of the truth; 0 where there is no such."""
    floor = figures.get("floor", 0.0)
    return figures["eager_rms"] / floor if floor else 0.0
