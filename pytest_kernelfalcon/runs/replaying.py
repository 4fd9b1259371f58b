"""`runs replay`: what a run judged, judged again by the judge of today; no author is asked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.fuser import extract
from pytest_kernelfalcon.judge.gates import GateName
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.runs.past import Event, NotThere, PastRun
from pytest_kernelfalcon.store.rundir import problem_key

SAME, DIFFERS, JUDGE_FAILED, INTERRUPTED = 0, 1, 3, 130

Decision = tuple[str, str | None]
"""Outcome and cause."""


@dataclass(frozen=True)
class Recorded:
    """Something that was decided. source: the candidate's, None where it is not there; empty for a problem itself."""

    problem: str
    shown: str
    subgraph: str
    what: str
    gate: GateName | None
    source: str | None
    decision: Decision

    @property
    def title(self) -> str:
        return f"{self.shown} {self.what}"


def replay(run: PastRun, given: argparse.Namespace) -> int:
    """Returns the exit code; raises `NotThere`."""
    recorded = [one for one in _recorded(run) if given.what in (None, one.problem, one.shown, one.what, one.title)]
    if given.what is not None and not recorded:
        raise NotThere(
            f"{given.what!r}: {run.name} has judged nothing of that name. Fix: give a problem, a round as "
            f"`seed0/round1`, or both as 'PROBLEM seed0/round1'; `runs show {run.name}` has them"
        )
    try:
        with Judge(given.platform, given.sandbox) as judge:
            again = Again(run, judge)
            differing = sum([not again.is_same(one) for one in recorded])
    except Unavailable as error:
        raise NotThere(str(error)) from None
    except JudgeError as error:
        print(f"the judge failed, which says nothing about a kernel: {error}", file=sys.stderr)
        return JUDGE_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    print(f"{len(recorded)} judged again on {judge.platform}, {differing} decided otherwise")
    return DIFFERS if differing else SAME


def _recorded(run: PastRun) -> Iterator[Recorded]:
    """Everything that was decided, in the order of the record. A round that repeats an earlier one was not judged."""
    shown = {event["problem"]: event["shown"] for event in run.events if event["event"] == "problem"}
    for event in run.events:
        name = str(event.get("problem"))
        if name not in shown:
            continue
        if event["event"] == "broken" and name.lstrip("/") in run.sources:  # else its text alone was enough
            yield Recorded(name, shown[name], "", "problem", None, "", _decision(event))
        elif event["event"] == "round" and not event["repeated"]:
            yield _of_round(run, event, shown[name])
        elif event["event"] == "accept":
            place = run.folder.problem(problem_key(name)).judged(event["subgraph"], event["verdict"]["kernel_sha256"])
            source = run.text(place)
            yield Recorded(name, shown[name], event["subgraph"], "accept", "accept", source, _decision(event))


def _of_round(run: PastRun, event: Event, shown: str) -> Recorded:
    name, number = event["problem"], event["round"]
    folder = run.folder.problem(problem_key(name)).round(event["subgraph"], event["seed"], number)
    source = run.text(folder / "candidate.py")
    what = f"seed{event['seed']}/round{number}"
    return Recorded(name, shown, event["subgraph"], what, "seed", source, _decision(event["verdict"]))


def _decision(decided: dict[str, Any]) -> Decision:
    return str(decided["outcome"]), decided["cause"]


@dataclass
class Again:
    """Judges what was recorded. Each problem is inspected once."""

    run: PastRun
    judge: Judge
    _contracts: dict[str, dict[str, Contract] | Decision] = field(default_factory=dict)

    def is_same(self, one: Recorded) -> bool:
        """Says what is decided today, and whether it is what was recorded."""
        today = self._today(one)
        if isinstance(today, str):
            print(f"LOST     {one.title}: {_said(one.decision)}; {today}")
            return False
        if today != one.decision:
            print(f"DIFFERS  {one.title}: was {_said(one.decision)}, is {_said(today)}")
            return False
        print(f"same     {one.title}: {_said(today)}")
        return True

    def _today(self, one: Recorded) -> Decision | str:
        """Today's decision, or why there can be none."""
        text = self.run.sources.get(one.problem.lstrip("/"))
        if text is None:
            return "the problem's text is not in the run's directory"
        if one.source is None:
            return "its text is not in the run's directory"
        contracts = self._inspected(one, text)
        if isinstance(contracts, tuple):
            return contracts
        if one.gate is None:
            return "planned", None
        if one.subgraph not in contracts:
            return f"the problem has no subgraph `{one.subgraph}` any more"
        try:
            verdict = self.judge.judge(contracts[one.subgraph], one.source, one.gate, Control())
        except ProblemError as error:
            return error.outcome, str(error.cause)
        return verdict.outcome, verdict.cause

    def _inspected(self, one: Recorded, text: str) -> dict[str, Contract] | Decision:
        """Its contracts by id, or why it has none."""
        if one.problem not in self._contracts:
            try:
                problem = Problem(one.shown, text)
                problem.check()
                plan = extract.plan(problem, self.judge, Control())
                self._contracts[one.problem] = {contract.id: contract for contract in plan.contracts}
            except ProblemError as error:
                self._contracts[one.problem] = error.outcome, str(error.cause)
        return self._contracts[one.problem]


def _said(decision: Decision) -> str:
    outcome, cause = decision
    return f"{outcome} ({cause})" if cause else outcome
