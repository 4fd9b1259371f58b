"""Where a seed stands: what it has tried, and whether it goes on mending or begins anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.generator.alike import fingerprint
from pytest_kernelfalcon.generator.author import Round
from pytest_kernelfalcon.generator.llm.prompts import digest

PATIENCE = 3
"""Rounds in a row that fail alike, after which another way is tried."""


@dataclass(frozen=True)
class Course:
    """A seed's rounds. attempt: how often it has begun anew. since: the first round of this attempt."""

    rounds: tuple[Round, ...]
    attempt: int
    since: int

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Course:
        """Found from the rounds alone, so that a search that goes on later stands where it stood."""
        attempt = since = 0
        for end in range(1, len(rounds) + 1):
            if _is_plateau(rounds[since:end]):
                attempt, since = attempt + 1, end
        return cls(tuple(rounds), attempt, since)

    @property
    def last(self) -> Round | None:
        """What is to be mended; None where an attempt begins."""
        return self.rounds[-1] if self.since < len(self.rounds) else None

    @property
    def digests(self) -> list[str]:
        """The rounds before the last of this attempt, a line each, oldest first."""
        earlier = self.rounds if self.last is None else self.rounds[:-1]
        return [digest(number, round) for number, round in enumerate(earlier)]

    @property
    def repeats(self) -> int | None:
        """The number of the round whose candidate the last one is again."""
        if self.last is None:
            return None
        same = fingerprint(self.last.proposal.source)
        alike = (n for n, one in enumerate(self.rounds[:-1]) if fingerprint(one.proposal.source) == same)
        return next(alike, None)


def _is_plateau(rounds: Sequence[Round]) -> bool:
    causes = {(one.verdict.outcome, one.verdict.cause) for one in rounds[-PATIENCE:]}
    return len(rounds) >= PATIENCE and len(causes) == 1
