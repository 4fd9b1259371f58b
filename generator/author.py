"""Authors: who proposes candidates. Read this file first; each implementation is one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.verdict import Verdict


@dataclass(frozen=True)
class Proposal:
    """A candidate's source. `note`: how it came about, in a few words (a configuration, a prompt's name)."""

    source: str
    note: str = ""


@dataclass(frozen=True)
class Exhausted:
    """The author has nothing (more) for this contract. `reason` is shown to the user; `missing` names operations.

    unread: candidates that are there and cannot be read, each with why; shown also where others were judged and lost.
    """

    reason: str
    missing: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Round:
    """One propose–judge step of a seed."""

    proposal: Proposal
    verdict: Verdict


@dataclass(frozen=True)
class Setting:
    """What an author is told of the run when it is made.

    start: where pytest was started; what the user typed is relative to it. root: pytest's root directory.
    seeds: how many search each contract.
    """

    start: Path = field(default_factory=Path.cwd)
    root: Path = field(default_factory=Path.cwd)
    seeds: int = 1


class Author(Protocol):
    """Proposes candidates for a contract.

    name: what the user chose it by (`cookbook`, `openai/<model>`, …).
    """

    @property
    def name(self) -> str: ...

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        """The next candidate of this seed, given its own earlier rounds; `Exhausted` when there is none."""
        ...
