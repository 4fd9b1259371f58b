"""The problem's own sizes: the candidate must serve them, whether or not they can be run here."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.finding import UnsupportedHere
from pytest_kernelfalcon.judge.trial import Trial

HOST_READS = "host_reads"


def plan(trial: Trial) -> None:
    """Trace one call at the declared sizes; its launches are what is compiled, and what tells whether it can run."""
    try:
        answer = trial.dry()
    except UnsupportedHere as unsupported:
        trial.fail(Cause.UNSUPPORTED_DECLARED, detail=str(unsupported))
    if answer["end"] == "unreadable":
        trial.flag(HOST_READS)  # the plan hangs on data: it is known, and compiled, once it has run
        return
    trial.plan, trial.programs, trial.tuned = answer["plan"], answer["programs"], answer["tuned"]
    if not answer["launches"]:
        trial.fail(Cause.PASSTHROUGH, output=0)
