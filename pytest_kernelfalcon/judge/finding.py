"""Findings: why a candidate is not accepted, as one check found it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause, Outcome, explain, fix


@dataclass
class Finding:
    """facts fill the cause's message. line and program: where in the candidate. case: which call showed it."""

    cause: Cause
    stage: str
    facts: dict[str, Any] = field(default_factory=dict)
    line: int | None = None
    program: list[int] | None = None
    case: dict[str, Any] | None = None
    worst: dict[str, Any] | None = None

    @property
    def outcome(self) -> Outcome:
        return self.cause.outcome

    @property
    def message(self) -> str:
        return explain(self.cause, **self.facts)

    @property
    def fix(self) -> str:
        return fix(self.cause)


LOUD = (Cause.WRAPPER_RAISED, Cause.KERNEL_RAISED, Cause.OUTPUT_DTYPE)
"""How a kernel may fail in a type that its problem never declared: nobody takes that for a result."""


class Found(Exception):
    """Ends the judging with a finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class UnsupportedHere(Exception):
    """The candidate says that it does not serve the case, or fails loudly in a type that is not the problem's own."""


class Costly(Exception):
    """The case takes more operations than the gate allows, or more memory than there is; the text says which."""


class TooCostly(Costly):
    """It is the candidate that takes so much, not the problem."""


class NotTaken(Exception):
    """The problem itself does not run in this variant at the case's sizes, though it does at others."""
