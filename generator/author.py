"""Authors: who proposes candidates. Read this file first; each implementation is one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.verdict import Verdict

if TYPE_CHECKING:
    from pytest_kernelfalcon.generator.llm.prices import Named
    from pytest_kernelfalcon.store.ledger import Budget


@dataclass(frozen=True)
class Past:
    """What a recording says of a candidate: whose it was, and the judge's decision on it then."""

    author: str
    outcome: str
    cause: str | None


@dataclass(frozen=True)
class Proposal:
    """A candidate's source. `note`: how it came about, in a few words (a configuration, a prompt's name).

    past: of one that is repeated.
    """

    source: str
    note: str = ""
    past: Past | None = None


@dataclass(frozen=True)
class Exhausted:
    """The author has nothing (more) for this contract. `reason` is shown to the user; `missing` names operations.

    unread: candidates that are there and cannot be read, each with why; shown also where others were judged and lost.
    halted: it may well have more, but cannot be asked: the call failed, or the run's budget is spent.
    """

    reason: str
    missing: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = field(default=())
    halted: Literal["", "failed", "spent"] = ""


@dataclass(frozen=True)
class Round:
    """One propose–judge step of a seed. author: the name of whose it was."""

    proposal: Proposal
    verdict: Verdict
    author: str = ""


class Diverged(Exception):
    """An author that repeats a search of the past is led away from it; the text shows where, and how."""


class NotReady(Exception):
    """An author cannot work here; the text names what is missing and the fix."""


@dataclass(frozen=True)
class Asking:
    """How language models are asked.

    effort: how long they think, in their provider's own words. max_tokens: of one answer, thinking included.
    window: tokens of a prompt, at most. calls: under way at a time, over all workers.
    templates: a folder with the user's own, which count before ours. budget: of the run, over all workers.
    prices: the user's own, by the authors' names.
    """

    effort: str | None = None
    max_tokens: int = 32_000
    window: int = 100_000
    calls: int = 8
    templates: Path | None = None
    budget: Budget | None = None
    prices: Mapping[str, Named] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What an author is told of the run when it is made.

    start: where pytest was started; what the user typed is relative to it. root: pytest's root directory.
    seeds: how many search each contract. rounds: of each of them, at most.
    run: the run's directory, which its workers share; None outside a run.
    platform, device: where kernels are judged. triton: its version. targets: compute capabilities to compile for.
    """

    start: Path = field(default_factory=Path.cwd)
    root: Path = field(default_factory=Path.cwd)
    seeds: int = 1
    run: Path | None = None
    stopped: Callable[[], str | None] = field(default=lambda: None)
    platform: str = "cpu"
    device: str = ""
    triton: str = ""
    targets: tuple[int, ...] = ()
    asking: Asking = field(default_factory=Asking)
    rounds: int = 1


class Author(Protocol):
    """Proposes candidates for a contract.

    name: what the user chose it by (`cookbook`, `openai/<model>`, …). One that takes something which may be missing
    has `ready()` as well, which raises `NotReady`: it is called before the first question of a run, if there is any.
    """

    @property
    def name(self) -> str: ...

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        """The next candidate of this seed, given its own earlier rounds; `Exhausted` when there is none.

        history: also the rounds of authors that were asked before. control.folder: where this round is kept.
        """
        ...
