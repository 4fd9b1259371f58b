"""The loop of one seed: ask, judge, tell the author exactly what was wrong, ask again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator import registry
from pytest_kernelfalcon.generator.alike import fingerprint
from pytest_kernelfalcon.generator.author import Author, Exhausted, Proposal, Round
from pytest_kernelfalcon.judge.verdict import Verdict


class SeedJudge(Protocol):
    """What a search needs of the judge. Raises JudgeError and Cancelled; a deadline becomes a verdict."""

    def judge(self, contract: Contract, source: str, gate: Literal["seed", "accept"], control: Control) -> Verdict: ...


@dataclass(frozen=True)
class Tried:
    """One round of a seed, kept as soon as it has its verdict. number: from 0, over all authors.

    repeated: not judged, as this seed has had the candidate before. restored: not judged, as an earlier run has.
    """

    number: int
    author: str
    round: Round
    repeated: bool = False
    restored: bool = False

    @property
    def judged(self) -> bool:
        return not (self.repeated or self.restored)


@dataclass(frozen=True)
class SeedResult:
    """How a search ended.

    won: `kernel` was accepted. specialised: none was, but `kernel` is right at the declared sizes.
    lost: there were candidates, and `reason` says what became of them.
    exhausted: no author had a candidate; `reason` is theirs and `missing` names the operations in the way.
    spent: what was said where the run's budget ended the search; else empty.
    """

    state: Literal["won", "specialised", "lost", "exhausted"]
    tried: list[Tried]
    kernel: Tried | None = None
    reason: str = ""
    missing: tuple[str, ...] = ()
    spent: str = ""

    @property
    def judged(self) -> int:
        return sum(tried.judged for tried in self.tried)


@dataclass(frozen=True)
class Keeping:
    """What becomes of a seed's rounds. folder: of a round, by its number; None where nothing is kept.

    proposed: told of a candidate that was worth something to get, before it is judged. tried: of each round.
    """

    tried: Callable[[Tried], None]
    proposed: Callable[[str, Proposal], None] = field(default=lambda author, proposal: None)
    folder: Callable[[int], Path] | None = None


def search(
    contract: Contract,
    authors: Sequence[Author],
    judge: SeedJudge,
    seed: int,
    rounds: int,
    control: Control,
    keeping: Keeping,
    earlier: Sequence[Tried] = (),
) -> SeedResult:
    """Tries up to `rounds` candidates of each author, asking them in order, each until it is exhausted.

    The next one is asked where those before it found nothing. A candidate that this seed has had before, comments and
    names aside, keeps its verdict and uses up a round. earlier: what an earlier run of this seed has tried; a candidate
    that comes again in its place keeps its verdict, too, where that is `lasting`. An author that answers alike is asked
    again nevertheless: it may have changed, and what followed is void then.
    Raises Cancelled and DeadlineExceeded of `control`, and JudgeError.
    """
    tried: list[Tried] = []
    endings: list[Exhausted] = []
    for author in authors:
        for _ in range(rounds):
            own = _of_round(control, keeping, len(tried))
            own.check()
            before = earlier[len(tried)] if len(tried) < len(earlier) else None
            answer = _answer(contract, author, tried, before, seed, own)
            if isinstance(answer, Exhausted):
                endings.append(answer)
                break
            if before and (before.author, before.round.proposal.source) != (author.name, answer.source):
                before, earlier = None, ()
            if before is None and not registry.answers_alike(author.name):
                keeping.proposed(author.name, answer)
            tried.append(_try(contract, answer, author.name, tried, before, judge, own))
            keeping.tried(tried[-1])
            _compare(tried[-1], own)
            if tried[-1].round.verdict.outcome == "accepted":
                return SeedResult("won", tried, tried[-1])
        if any(one.round.verdict.outcome == "specialised" for one in tried):
            break
    return _without_accepted(tried, endings)


def _compare(tried: Tried, control: Control) -> None:
    """Tells where a candidate of the past is judged otherwise than it was then."""
    verdict, past = tried.round.verdict, tried.round.proposal.past
    if past and (past.outcome, past.cause) != (verdict.outcome, verdict.cause):
        facts = {"recorded": (past.outcome, past.cause), "judged": (verdict.outcome, verdict.cause)}
        control.noted("differs", author=tried.author, **facts)


def _of_round(control: Control, keeping: Keeping, number: int) -> Control:
    folder = keeping.folder(number) if keeping.folder else None
    return replace(control, noted=partial(control.noted, round=number), folder=folder)


def _answer(
    contract: Contract, author: Author, tried: Sequence[Tried], before: Tried | None, seed: int, control: Control
) -> Proposal | Exhausted:
    """The author's, or what it said in an earlier run where it might say something else now."""
    if before and before.author == author.name and not registry.answers_alike(author.name):
        return before.round.proposal
    control.begun(round=len(tried), author=author.name)
    return author.propose(contract, [one.round for one in tried], seed, control)


def _try(
    contract: Contract,
    proposal: Proposal,
    author: str,
    tried: list[Tried],
    before: Tried | None,
    judge: SeedJudge,
    control: Control,
) -> Tried:
    same = fingerprint(proposal.source)
    for one in tried:
        if fingerprint(one.round.proposal.source) == same:
            return Tried(len(tried), author, Round(proposal, one.round.verdict, author), repeated=True)
    if before and before.round.verdict.lasting:
        return Tried(len(tried), author, Round(proposal, before.round.verdict, author), restored=True)
    verdict = judge.judge(contract, proposal.source, "seed", control)
    return Tried(len(tried), author, Round(proposal, verdict, author))


def _without_accepted(tried: list[Tried], endings: list[Exhausted]) -> SeedResult:
    missing = tuple(dict.fromkeys(name for ending in endings for name in ending.missing))
    spent = next((ending.reason for ending in endings if ending.halted == "spent"), "")
    for one in tried:
        if one.round.verdict.outcome == "specialised":
            return SeedResult("specialised", tried, one, "right at the declared sizes only", missing)
    if not tried:
        reason = "; ".join(ending.reason for ending in endings)
        return SeedResult("exhausted", tried, reason=reason, missing=missing, spent=spent)
    last = tried[-1].round.verdict
    count = f"{len(tried)} round{'s' if len(tried) > 1 else ''}"
    if restored := sum(one.restored for one in tried):
        count += f" ({restored} judged in an earlier run)"
    reason = f"{count} without a kernel; the last: {last.outcome}: {last.message}"
    if unread := [file for ending in endings for file in ending.unread]:
        reason += f"; not read: {', '.join(unread)}"
    if halted := [ending.reason for ending in endings if ending.halted]:
        reason += f"; then: {'; '.join(halted)}"
    return SeedResult("lost", tried, reason=reason, missing=missing, spent=spent)
