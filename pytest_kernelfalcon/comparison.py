"""A pull request's kernels before and after: what they take of a GPU, found by compiling both, with no GPU here.

Before is the kernel of the base commit, compiled now: no verdict on file is believed, that commit's neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pytest_kernelfalcon.contracts.causes import ProblemError
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.plan import Plan
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.fuser import extract
from pytest_kernelfalcon.judge.figures import Figures
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.session import Session, Target
from pytest_kernelfalcon.store import files

Was = Literal["same", "changed", "new", "removed", "missing"]


def note_before(session: Session, target: Target, plan: Plan | None, note: Callable[..., None]) -> None:
    """Notes once in a run what became of the problem and its kernel since the base, and what the kernel took there.

    plan: the problem's of today, None where nothing of it is judged.
    """
    changes = session.changes
    if changes is None or not isinstance(target.problem, Problem):
        return
    stored_at = session.run.problem(target.key).before
    with files.lock(stored_at.with_suffix(".lock"), session.run.stopped):
        if stored_at.exists():
            return
        path = session.root / target.name
        old_problem, old_kernel = changes.before(path), changes.before(target.kept.kernel)
        problem_was, kernel_was = _was(old_problem, target.problem.text), _was(old_kernel, target.kept.read())
        found: dict[str, Any] = {"problem_was": problem_was, "kernel_was": kernel_was, "before": None}
        if plan is not None and old_kernel is not None and not problem_was == kernel_was == "same":
            text = old_problem if problem_was == "changed" else None
            found["before"] = _before(session, target, plan, text, old_kernel)
        note("before", ref=changes.ref, base=changes.base, **found)
        files.write_json(stored_at, found)


def _was(before: str | None, now: str | None) -> Was:
    if before is None:
        return "missing" if now is None else "new"
    if now is None:
        return "removed"
    return "same" if before == now else "changed"


def _before(session: Session, target: Target, plan: Plan, text: str | None, kernel: str) -> dict[str, Any]:
    """What the kernel takes on the problem that it was for. text: that problem's, None where it is today's.

    That the judge fails on it is told as well: it is no reason for today's kernel to fail.
    """
    control = Control(cancelled=session.run.stopped)
    try:
        if text is not None:
            problem = Problem(target.shown, text)
            problem.check()
            plan = extract.plan(problem, session.judge, control)
        figures = session.judge.figures(plan.contracts[0], kernel, control)
    except ProblemError as error:
        figures = Figures({}, str(error.cause), f"the problem was {error.outcome}: {error.text}")
    except JudgeError as error:
        figures = Figures({}, "judge_error", f"the judge failed: {error}")
    return {"cause": figures.cause or None, "message": figures.message, "targets": figures.targets}
