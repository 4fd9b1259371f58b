"""A problem at its own sizes for the first time: on tensors without memory where that works, else on real ones."""

from __future__ import annotations

import math
import time

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.roles.broken import Broken, TooSlow
from pytest_kernelfalcon.judge.roles.probe import UNFAKEABLE, Probe, Seen, Tier

LOOKS: tuple[tuple[Tier, float], ...] = (("fake", 5.0), ("built", 5.0), ("real", math.inf))
"""How a problem is looked at first, and for how many seconds: what fails without memory, or has so many operations
that faking them takes long, is tried with it. The parent ends what hangs.
"""
FINAL = {
    Cause.PROBLEM_EXIT,
    Cause.PROBLEM_SYNTAX,
    Cause.PROBLEM_MEMORY,
    Cause.PROBLEM_STATE_NAMES,
    Cause.PROBLEM_NO_TENSOR,
}
"""What no other kind of tensors would change."""


def first_look(source: str, path: str) -> tuple[Probe, Seen]:
    """The problem at its own sizes, and the probe that can see it. Raises `Broken`."""
    failure = Broken(Cause.PROBLEM_HANG)
    slow = False
    for tier, seconds in LOOKS:
        probe = Probe(source, path, tier, time.monotonic() + seconds)
        if tier == "built" and slow:
            continue
        if not probe.fits({}):
            raise _too_big(failure)
        try:
            return probe, probe.look({})
        except TooSlow:
            slow, failure = True, Broken(Cause.PROBLEM_HANG, detail="forward", seconds=seconds)
        except Broken as broken:
            if broken.cause in FINAL:
                raise
            failure = broken
    raise failure


def _too_big(failure: Broken) -> Broken:
    """What to say of a problem that fails on fakes and cannot be tried for real."""
    if isinstance(failure.__cause__, UNFAKEABLE):
        return Broken(Cause.PROBLEM_MEMORY, failure.line, detail="forward")
    return failure
