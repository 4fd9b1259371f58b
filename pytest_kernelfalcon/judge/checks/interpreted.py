"""On a device: the candidate in the interpreter first, which sees what a device does not tell of."""

from __future__ import annotations

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.checks import declared, repeated, running, source
from pytest_kernelfalcon.judge.finding import Costly, Found, UnsupportedHere
from pytest_kernelfalcon.judge.trial import Trial

RACES_UNWATCHED = "races_unwatched"
"""Two programs that write one element, and reads shortly beside a tensor, would not have been seen."""
LIMITS = (Cause.KERNEL_RAISED, Cause.KERNEL_TIMEOUT, Cause.KERNEL_CRASHED)
"""What may be the interpreter's own limit; whether the kernel fails as well, the device shows."""


def beside(trial: Trial) -> None:
    """One case of each form, fully watched, and in other orders of the programs; a flag where that cannot be done."""
    if trial.interpreted is None:
        return
    other = trial.interpreted()
    try:
        for look in (source.starts, declared.plan, running.each_form, repeated.program_orders):
            look(other)
    except (Costly, UnsupportedHere):
        trial.flag(RACES_UNWATCHED)
    except Found as found:
        if found.finding.outcome == "refused" and found.finding.cause not in LIMITS:
            raise
        trial.flag(RACES_UNWATCHED)
    finally:
        trial.flag(*(flag for flag in other.flags if flag == repeated.NONDETERMINISTIC))
        trial.cases += other.cases
        other.close()
