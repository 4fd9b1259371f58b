"""Calling again: the same tensors with other values, other autotune configurations, other orders of the programs."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks.compiled import compile_plan
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.checks.outputs import judge_outputs
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.trial import How, Trial

COMPILED = 32
"""Configurations of an autotuned kernel that are compiled."""
NONDETERMINISTIC = "nondeterministic"
VALUE_CAUSES = (Cause.INACCURATE, Cause.VALUES_DIFFER, Cause.NAN_MISMATCH, Cause.INF_MISMATCH, Cause.UNWRITTEN_OUTPUT)


def same_tensors(trial: Trial) -> None:
    """The very same tensors, holding fresh values: what was kept by address, identity or shape is now stale."""
    case = _case(trial, draw=1)
    if trial.unsupported:  # the call before was one that it does not serve
        judge_outputs(trial, trial.run(_case(trial, draw=0)))
    try:
        judge_outputs(trial, trial.run(case, How(same=True)))
    except Found as found:
        if found.finding.cause not in (*VALUE_CAUSES, Cause.PASSTHROUGH):
            raise
        facts = {"detail": found.finding.message}
        finding = Finding(Cause.STALE, trial.stage, facts, case=case.to_json(), worst=found.finding.worst)
        raise Found(finding) from found
    trial.cases += 1


def configurations(trial: Trial) -> None:
    """Every configuration of an autotuned kernel must be right, since any of them may be the fastest somewhere, and
    the first ones must compile; while searching a few of them will do.
    """
    tried = min(trial.tuned, trial.gate.configurations)
    for pick in range(1, tried):
        if pick < COMPILED:
            _compiles(trial, pick)
        judge_outputs(trial, trial.run(_case(trial, draw=0), How(pick=pick)))
    if tried < trial.tuned and trial.gate.name == "accept":
        trial.fail(Cause.NOT_RUNNABLE, detail=f"{trial.tuned} autotune configurations, of which {tried} can be tried")
    if tried < trial.tuned:
        trial.flag(f"configurations_tried_{tried}_of_{trial.tuned}")


def _compiles(trial: Trial, pick: int) -> None:
    """For one target; that it fits none is no fault of one configuration, as Triton passes over it. A plan that hangs
    on what a kernel computes is not known without a run.
    """
    answer = trial.dry(pick)
    launches = answer["plan"] if answer["end"] == "result" else []
    for row in compile_plan(trial, launches, trial.wanted_targets[:1]):
        if row["status"] == "error":
            facts = {"kernel": row["kernel"], "target": row["target"], "detail": row["detail"]}
            raise Found(Finding(Cause.COMPILE_ERROR, trial.stage, facts, row["line"]))


def program_orders(trial: Trial) -> None:
    """The first case again, with the programs in other orders: what hangs on the order is wrong on a GPU.

    Results that differ by their rounding alone, as those of floating atomics do, are right, and flagged.
    """
    seen = []
    for order in trial.gate.orders:
        run = trial.run(_case(trial, draw=0), How(order=order, races=True))
        judge_outputs(trial, run)
        seen.append(run.digests)
    if any(digests != seen[0] for digests in seen):
        trial.flag(NONDETERMINISTIC)


def same_plans(trial: Trial) -> None:
    """Many more traces: a wrapper that counts its calls, or keeps something between them, does something else once."""
    if HOST_READS in trial.flags:
        trial.again(_case(trial, draw=0), trial.gate.traces)
    else:
        trial.dry(times=trial.gate.traces)


def _case(trial: Trial, draw: int) -> Case:
    assert trial.form is not None
    return Case.of(trial.form.sizes, draw)
