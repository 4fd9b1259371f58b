"""One problem, from its text to a kernel judged at the gate *accept*: what `measure` has its workers do."""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Cancelled, Control, DeadlineExceeded
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.cookbook.author import CookbookAuthor
from pytest_kernelfalcon.generator.search import Keeping, Tried, search
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

SEEDS, ROUNDS = 4, 10
RANK = ("accepted", "specialised", "broken", "inadmissible", "undecided", "refused")
"""Which of several verdicts on a problem's candidates counts: the first of these."""


@dataclass(frozen=True)
class Task:
    """name: of the problem. kernel: the source to judge, or None to search for one. timeout: seconds, or None."""

    name: str
    problem: Problem
    kernel: str | None = None
    timeout: float | None = None


@dataclass
class Record:
    """What a results file holds of a problem, one JSON object a line.

    outcome, cause, message: the verdict's. Also `no_kernel`, with the author's reason; `undecided` because of
    `timeout`; and `failed`, where our own code did: that is judged again in the next run. configuration: the recipe's
    words for the kernel. rounds: candidates judged at the gate *seed*. error_over_eager: of the worst output.
    """

    name: str
    platform: str
    problem_sha256: str
    outcome: str = ""
    cause: str | None = None
    message: str = ""
    configuration: str = ""
    rounds: int = 0
    cases: int = 0
    error_over_eager: float | None = None
    seconds: float = 0.0
    kernel_sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def judged(self, verdict: Verdict) -> None:
        self.outcome, self.cause, self.message = verdict.outcome, verdict.cause, verdict.message
        self.cases, self.kernel_sha256 = verdict.cases, verdict.kernel_sha256
        self.error_over_eager = verdict.worst.get("error_over_eager") if verdict.worst else None


@dataclass(frozen=True)
class Candidate:
    """A source and the latest verdict on it."""

    source: str
    configuration: str
    verdict: Verdict


def attempt(task: Task, judge: Judge, control: Control) -> tuple[Record, str | None]:
    """The problem's record, and the source of a kernel that may be kept. Raises `Cancelled`."""
    start = time.monotonic()
    record = Record(task.name, judge.platform, task.problem.sha256)
    bounded = control if task.timeout is None else control.within(task.timeout)
    kernel: str | None = None
    try:
        bounded.check()
        task.problem.check()
        kernel = _find(task, judge, bounded, record)
    except Cancelled:
        raise
    except ProblemError as error:
        record.outcome, record.cause, record.message = error.outcome, error.cause.value, error.text
    except DeadlineExceeded:
        record.outcome, record.cause, record.message = "undecided", "timeout", f"not done after {task.timeout:g} s"
    except Exception as error:  # one problem's failure is reported and leaves the others their turn
        last = traceback.format_exception_only(error)[-1].strip()
        record.outcome, record.cause, record.message = "failed", type(error).__name__, last
        traceback.print_exc()
    record.seconds = round(time.monotonic() - start, 2)
    return record, kernel


def _find(task: Task, judge: Judge, control: Control, record: Record) -> str | None:
    contract = judge.inspect(task.problem, control)
    if task.kernel is None:
        best = _search(contract, judge, control, record)
    else:
        best = Candidate(task.kernel, "", judge.judge(contract, task.kernel, "accept", control))
    if best is None:
        return None
    record.configuration = best.configuration
    record.judged(best.verdict)
    return best.source if best.verdict.ok else None


def _search(contract: Contract, judge: Judge, control: Control, record: Record) -> Candidate | None:
    """Seed after seed until a kernel is accepted or the author has nothing more: the best of what there was."""
    found: dict[str, Candidate] = {}

    def count(tried: Tried) -> None:
        record.rounds += not tried.repeated

    for seed in range(SEEDS):
        result = search(contract, [CookbookAuthor()], judge, seed, ROUNDS, control, Keeping(count))
        if result.state == "exhausted":
            record.outcome, record.cause, record.message = "no_kernel", "exhausted", result.reason
            return None
        last = result.kernel or result.tried[-1]
        source, verdict = last.round.proposal.source, last.round.verdict
        if source not in found:
            if result.kernel:
                verdict = judge.judge(contract, source, "accept", control)
            found[source] = Candidate(source, last.round.proposal.note, verdict)
        if found[source].verdict.outcome == "accepted":
            return found[source]
        if result.state != "won" and len(result.tried) < ROUNDS:
            break  # the author had nothing more: another seed would try the same again
    return min(found.values(), key=lambda candidate: RANK.index(candidate.verdict.outcome))
