"""Control: how a caller bounds and stops work that is under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path


class Cancelled(Exception):
    """The work was stopped from outside; `reason` says by what (a winner, an interrupt)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DeadlineExceeded(Exception):
    """The work's deadline has passed."""


def _never() -> str | None:
    return None


def _unheard(*kind: str, **facts: object) -> None:
    """Nobody follows the work."""


@dataclass(frozen=True)
class Control:
    """Handed to authors and judge alike.

    deadline: a `time.monotonic()` value in seconds, or None for no limit.
    cancelled: returns the reason once the work should stop, else None; cheap to call often.
    begun: told of each step as it begins, for whoever watches: `round` and `author`, or `stage`.
    noted: told of what has happened, for the record of the run: a word for what it is, and its facts.
    folder: where what belongs to this round is kept; None where nothing is.
    """

    deadline: float | None = None
    cancelled: Callable[[], str | None] = field(default=_never)
    begun: Callable[..., None] = field(default=_unheard)
    noted: Callable[..., None] = field(default=_unheard)
    folder: Path | None = None

    def check(self) -> None:
        """Raises `Cancelled` or `DeadlineExceeded` when the work should stop."""
        if reason := self.cancelled():
            raise Cancelled(reason)
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded

    def remaining(self, at_most: float) -> float:
        """Seconds left, never more than `at_most` and never negative."""
        if self.deadline is None:
            return at_most
        return max(0.0, min(at_most, self.deadline - time.monotonic()))

    def within(self, seconds: float) -> Control:
        """The same control with a deadline at most `seconds` from now."""
        return replace(self, deadline=time.monotonic() + self.remaining(seconds))
