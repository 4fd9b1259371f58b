"""Calls as an author makes them: within the run's limit, and tried again where that may help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.provider import Answer, Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.slots import Slots

POLL_S = 0.05
LONGEST_S = 60.0
"""Between two tries, where the server does not ask for more."""


@dataclass(frozen=True)
class Again:
    """A call is tried again. attempt: the one that failed, from 0. wait_s: until the next."""

    failed: CallFailed
    attempt: int
    wait_s: float


def call(
    provider: Provider,
    request: Request,
    control: Control,
    slots: Slots,
    limits: Limits,
    tell: Callable[[Again], None],
) -> Answer:
    """The answer. Each further try is told to `tell` first; a slot is held while a call is under way only.

    Raises the last `CallFailed`, and Cancelled or DeadlineExceeded of `control`, also while it waits.
    """
    attempt = 0
    while True:
        with slots.taken(control):
            result = _one(provider, request, control)
        if isinstance(result, Answer):
            return result
        wait_s = _wait(result, attempt, limits)
        if wait_s is None:
            raise result
        tell(Again(result, attempt, wait_s))
        _pause(wait_s, control)
        attempt += 1


def _one(provider: Provider, request: Request, control: Control) -> Answer | CallFailed:
    try:
        return provider.ask(request, control)
    except CallFailed as failed:
        return failed


def _wait(failed: CallFailed, attempt: int, limits: Limits) -> float | None:
    """Seconds until the next try, spread so that seeds that failed together do not come back together."""
    if not failed.again or attempt >= limits.retries:
        return None
    if failed.retry_after is not None:
        return None if failed.retry_after > limits.longest_wait_s else failed.retry_after * random.uniform(1.0, 1.1)
    return min(limits.first_wait_s * 2.0**attempt, LONGEST_S) * random.uniform(0.75, 1.25)


def _pause(seconds: float, control: Control) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        control.check()
        time.sleep(min(left, POLL_S))
