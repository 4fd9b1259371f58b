"""Calling again: the same tensors with other values, other autotune configurations, other orders of the programs."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks.compiled import compile_plan
from pytest_kernelfalcon.judge.checks.declared import HOST_READS
from pytest_kernelfalcon.judge.checks.outputs import judge_outputs
from pytest_kernelfalcon.judge.finding import Finding, Found
from pytest_kernelfalcon.judge.trial import How, Trial

VALUE_CAUSES = (Cause.INACCURATE, Cause.VALUES_DIFFER, Cause.NAN_MISMATCH, Cause.INF_MISMATCH, Cause.UNWRITTEN_OUTPUT)


def same_tensors(trial: Trial) -> None:
    """The very same tensors, holding fresh values: what was kept by address, identity or shape is now stale."""
    case = _case(trial, draw=1)
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
    """Every configuration of an autotuned kernel (up to the gate's number) is compiled and must be right."""
    for pick in range(1, min(trial.tuned, trial.gate.configurations)):
        plan = trial.dry(pick)
        if plan["end"] == "result" and trial.form is not None:
            compile_plan(trial, plan["plan"])
        judge_outputs(trial, trial.run(_case(trial, draw=0), How(pick=pick)))
    if trial.tuned > trial.gate.configurations:
        trial.flag(f"configurations_tried_{trial.gate.configurations}_of_{trial.tuned}")


def program_orders(trial: Trial) -> None:
    """The first case again, with the programs in other orders: what hangs on the order is wrong on a GPU."""
    for order in trial.gate.orders:
        judge_outputs(trial, trial.run(_case(trial, draw=0), How(order=order, races=True)))


def same_plans(trial: Trial) -> None:
    """Many more traces: a wrapper that counts its calls, or keeps something between them, does something else once."""
    if HOST_READS in trial.flags:
        trial.again(_case(trial, draw=0), trial.gate.traces)
    else:
        trial.dry(times=trial.gate.traces)


def _case(trial: Trial, draw: int) -> Case:
    assert trial.form is not None
    return Case.of(trial.form.sizes, draw)
