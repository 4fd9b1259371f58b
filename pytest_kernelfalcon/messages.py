"""What failing items say, in full (for `accept`) and in one line (for `compose`, the table and the report)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.causes import Cause, explain, fix
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store.blackboard import SeedRecord


@dataclass(frozen=True)
class Failure:
    """Why a subgraph or a problem has no kernel. message: one line. detail: the whole story."""

    outcome: str
    cause: str
    message: str
    detail: str


def no_kernel(shown: str, subgraph: str, records: Sequence[SeedRecord], last: str, go_on: str) -> Failure:
    """Every seed ended without a kernel. last: the last verdict in full, or empty.

    go_on: the command for a larger budget, where that was in the way.
    """
    missing = list(dict.fromkeys(name for record in records for name in record.missing))
    undecided = [record for record in records if record.verdict and record.verdict["outcome"] == "undecided"]
    if spent := [record.spent for record in records if record.spent]:
        outcome, cause = Cause.BUDGET_SPENT.outcome, str(Cause.BUDGET_SPENT)
        text, hint = explain(Cause.BUDGET_SPENT, detail=spent[-1]), f"{fix(Cause.BUDGET_SPENT)}:\n  {go_on}"
    elif undecided and undecided[0].verdict:
        verdict = Verdict.from_json(undecided[0].verdict)
        outcome, cause, text, hint = "undecided", str(verdict.cause), verdict.message, verdict.fix
    else:
        kind = Cause.EXHAUSTED if all(record.state == "exhausted" for record in records) else Cause.UNSOLVED
        outcome, cause, hint = kind.outcome, str(kind), fix(kind)
        text = explain(kind, detail="; ".join(dict.fromkeys(record.reason for record in records)))
    text = _one_line(text)
    lines = [f"{shown}: no kernel for `{subgraph}`: {text}"]
    if any(name not in text for name in missing):
        lines.append(f"  operations that nothing could place: {', '.join(missing)}")
    lines += [f"  seed[{record.seed}] {record.state}: {_one_line(record.reason)}" for record in records]
    lines += [f"Fix: {hint}" if spent else f"Fix: {hint}."]
    if last:
        lines += ["", last]
    return Failure(outcome, cause, text, "\n".join(lines))


def kept_not_accepted(shown: str, kernel: str, source: str, verdict: Verdict, command: str, *notes: str) -> Failure:
    """The kept kernel was judged again, and not accepted. notes: further lines about it."""
    outcome = verdict.outcome
    detail = f"{shown}: the kept kernel {kernel} is {outcome}:\n{verdict_text.render(verdict, source, kernel, *notes)}"
    message = f"the kept kernel is {outcome}: {_one_line(verdict.message)}"
    if outcome == "undecided":
        return Failure(outcome, str(verdict.cause), message, detail)
    return Failure(
        outcome, str(verdict.cause), message, f"{detail}\nMend it, or synthesise another and keep it:\n  {command}"
    )


def frozen(shown: str, status: str, command: str) -> Failure:
    """A frozen run has nothing to judge."""
    cause = Cause.KEPT_MISSING if status == "missing" else Cause.KEPT_STALE
    text = explain(cause)
    return Failure(cause.outcome, str(cause), text, f"{shown}: {text}. Fix: {fix(cause)}:\n  {command}")


def one_line(shown: str, subgraph: str, failure: Failure) -> str:
    """For `compose`: `accept` has the whole story."""
    return f"{shown}: `{subgraph}`: {failure.message} (the whole story: {shown}::{subgraph}::accept)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
