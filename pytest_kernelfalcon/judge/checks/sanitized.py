"""compute-sanitizer, where it was asked for: the last check, since it takes the longest."""

from __future__ import annotations

import json

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.cases import Case
from pytest_kernelfalcon.judge.checks import source
from pytest_kernelfalcon.judge.finding import Costly, Finding, Found, UnsupportedHere
from pytest_kernelfalcon.judge.sanitizer import REFUSING
from pytest_kernelfalcon.judge.trial import Trial

LEFT_OUT = "sanitizer_left_out"
"""The plan hangs on what a kernel computes, or cannot be had without a device, and is not replayed."""


def by_tools(trial: Trial) -> None:
    """One call's launches, at the sizes whose values are varied.

    What memcheck and initcheck find refuses; what racecheck finds is told.
    """
    if trial.sanitizer is None or trial.interpreted is None:
        return
    assert trial.form is not None
    other = trial.interpreted()
    try:
        source.starts(other)
        case = Case.of(trial.form.sizes)
        call, inputs = other.call_of(case)
        answer = other.dry_of(call)
        if "steps" not in answer:
            trial.flag(LEFT_OUT)
            return
        plan = {
            "source": trial.source,
            "messages": [json.loads(message) for message in answer["steps"]],
            "storages": call["storages"],
            "output_bytes": trial.contract.output_bytes,
        }
        reports = trial.sanitizer.run(plan, inputs, answer["kernels"])
    except (Costly, UnsupportedHere):
        trial.flag(LEFT_OUT)
        return
    finally:
        other.close()
    trial.flag(*(f"{report.tool}_reports" for report in reports if report.tool not in REFUSING))
    for report in reports:
        if report.tool in REFUSING:
            facts = {"kernel": report.kernel, "tool": report.tool, "detail": report.detail}
            raise Found(Finding(Cause.SANITIZER, trial.stage, facts, report.line, case=case.to_json()))
    trial.flag("sanitized")
