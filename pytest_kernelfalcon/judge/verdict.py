"""Verdicts: what the judge says of a candidate, as data, as JSON and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause, Outcome

SCHEMA = 1
JUDGE_VERSION = "6"

EXIT_CODES: dict[Outcome, int] = {
    "accepted": 0,
    "specialised": 0,
    "refused": 1,
    "broken": 2,
    "inadmissible": 2,
    "undecided": 3,
}
"""What `verify` exits with; a `JudgeError` is 3 and a usage error 2."""

OF_THE_MOMENT = (
    Cause.WRAPPER_DIED,
    Cause.WRAPPER_TIMEOUT,
    Cause.COMPILE_TIMEOUT,
    Cause.COMPILE_CRASH,
    Cause.KERNEL_CRASHED,
    Cause.KERNEL_TIMEOUT,
    Cause.NOT_CONFORMING,
)
"""Refusals that a busy machine, or somebody who kills processes, can bring about as well as the candidate."""


class JudgeError(Exception):
    """The judge itself failed: never a verdict about the candidate."""


@dataclass
class Verdict:
    """See docs/architecture.md for every field. `cause` is a name of the catalogue, None when accepted.

    targets: compile figures by target. where: {file, line, program}. case: {sizes, dtypes, strides, values}.
    worst: {output, index, got, want, error_over_eager}. host_reads: elements that one call read into Python, at most.
    seconds: by stage.
    """

    outcome: Outcome
    stage: str
    cause: str | None = None
    message: str = ""
    fix: str = ""
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    timing: dict[str, Any] | None = None
    where: dict[str, Any] | None = None
    case: dict[str, Any] | None = None
    worst: dict[str, Any] | None = None
    unsupported: list[dict[str, Any]] = field(default_factory=list)
    cases: int = 0
    host_reads: int = 0
    platform: str = ""
    device: str = ""
    sandbox: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    problem_sha256: str = ""
    kernel_sha256: str = ""
    judge: str = JUDGE_VERSION
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def ok(self) -> bool:
        """Whether the kernel may be kept."""
        return self.outcome in ("accepted", "specialised")

    @property
    def lasting(self) -> bool:
        """Whether another judgement at another time would say the same."""
        return self.outcome != "undecided" and self.cause not in OF_THE_MOMENT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Verdict:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})
