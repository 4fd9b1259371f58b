"""The accepted module used for real, in a process of its own: it must do what its plan says, and give the same values.

A check of honesty. It can only take acceptance away, since the module's own process answers; see docs/architecture.md.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, NoReturn

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.contract import Sizes
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.checks.repeated import NONDETERMINISTIC
from pytest_kernelfalcon.judge.checks.values import judgements
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.launch_plan import shown
from pytest_kernelfalcon.judge.sameness import differences
from pytest_kernelfalcon.judge.steps import Step, departure, read, renumbered
from pytest_kernelfalcon.judge.trial import Run, Trial
from pytest_kernelfalcon.judge.uses import Unusable, Use, at_declared_sizes, judged, made

DRAW = 1 << 20
"""The first of the draws whose values are thrown away: no other check uses them."""
REPEATS = 100
MOST_BYTES = 256 << 20
"""Of the results of a call; and, of one at the problem's own sizes whose kernels are not run, of all its memory."""
MOST_CHARACTERS = 600
"""Of a detail, which may be the candidate's own words."""
LEFT_OUT = "conformance_left_out"
"""The module was not used for real: its results are too large to hand over, and no smaller sizes are known."""
UNSEEN = ("alloc", "fill", "copy", "read", "result")
"""Messages that a call makes only where every torch operation is watched."""


def used_for_real(trial: Trial) -> None:
    """Once watched, then as anybody would use it: new values in the same memory, and many calls."""
    sizes = _sizes(trial)
    if sizes is None:
        trial.flag(LEFT_OUT)
        return
    case = Case.of(sizes)
    reads = HOST_READS in trial.flags
    with ExitStack() as stack:
        uses = [judged(trial, Case.of(sizes, DRAW + k), k == 1, stack) for k in range(2)]
        _check(trial, case, uses[:1], watched=True, idle=not reads)
        _check(trial, case, uses, watched=False, repeats=0 if reads else REPEATS)


def _sizes(trial: Trial) -> Sizes | None:
    """Those of the form that runs, or smaller ones where that gives too much to hand over; None if none are known."""
    assert trial.form is not None
    if not trial.form.declared or trial.contract.output_bytes <= MOST_BYTES:
        return trial.form.sizes
    return trial.contract.shrunk


def used_at_declared_sizes(trial: Trial) -> None:
    """Where smaller sizes stand for the problem's own: what the wrapper does at those, its kernels left out."""
    assert trial.form is not None
    if trial.form.declared or trial.platform.target is not None:  # a device runs what is launched
        return
    with ExitStack() as stack:
        use = at_declared_sizes(trial, MOST_BYTES, stack)
        if use is not None:
            for watched in (True, False):
                _check(trial, Case.of(trial.contract.declared), [use], watched, idle=True)


def _check(trial: Trial, case: Case, uses: list[Use], watched: bool, idle: bool = False, repeats: int = 0) -> None:
    try:
        answer = made(trial, uses, watched, idle, repeats)
    except Unusable as unusable:
        _fail(trial, case, str(unusable))
    for use, mine in zip(uses, answer["calls"], strict=True):
        if mine["heard"] is not None:
            plan, real = (_seen(steps, use, watched) for steps in (use.plan, read(mine["heard"])))
            _same_steps(trial, case, plan, real)
        if mine["results"] != use.results:
            _fail(trial, case, f"it returns {str(mine['results'])[:160]}")
        if use.run is not None and not watched:
            _same_values(trial, case, use.run, use.output)
    if (repeated := answer["repeated"]) is not None:
        first, later = (_seen(read(repeated[name]), uses[0], watched) for name in ("first", "heard"))
        _same_steps(trial, case, first, later, f"in call {repeated['number']} of many, ")


def _seen(steps: list[Step], use: Use, watched: bool) -> list[Step]:
    if watched:
        return steps
    inputs = len(use.call["storages"])
    return renumbered([step for step in steps if step.get("op") not in UNSEEN], inputs)


def _same_steps(trial: Trial, case: Case, plan: list[Step], real: list[Step], when: str = "") -> None:
    found = departure(plan, real)
    if found is not None:
        _fail(trial, case, f"{when}{found.got} where {found.want} was judged", found.line)


def _same_values(trial: Trial, case: Case, run: Run, output: int) -> None:
    """Bitwise (but for the sign of zero), or, of a kernel whose repeats differ, within the bounds of accuracy."""
    if NONDETERMINISTIC not in trial.flags:
        for place, worst in differences(trial, run.got["tensors"], output, run):
            _fail(trial, case, f"output {place} has other values", worst=worst)
        return
    for place, judgement in enumerate(judgements(trial, Run(run.case, run.expected, run.got, output))):
        if judgement.cause is not None:
            _fail(trial, case, f"output {place} is wrong", worst=judgement.worst)


def _fail(
    trial: Trial, case: Case, detail: str, line: int | None = None, worst: dict[str, Any] | None = None
) -> NoReturn:
    facts = {"detail": shown(detail, MOST_CHARACTERS)}
    raise Found(Finding(Cause.NOT_CONFORMING, trial.stage, facts, line, case=case.to_json(), worst=worst))
