"""The author `replay/<path>`: a search of the past once more, with no model asked.

Each prompt is built again, by the code and the templates of today, from what was recorded: the contract, the scene and
the verdicts. It must be the recorded one to the last byte; the recorded answer is then read, and its candidate judged,
as if it came from the model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Diverged, Exhausted, NotReady, Past, Proposal, Round, Setting
from pytest_kernelfalcon.generator.llm.author import LlmAuthor
from pytest_kernelfalcon.generator.llm.exchange import Exchange, finish
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.prompts import PromptError, Prompts, Scene
from pytest_kernelfalcon.generator.llm.provider import Answer, Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.recording import NotRecorded, PastRound, PastSeed, Recording
from pytest_kernelfalcon.generator.llm.transcript import difference
from pytest_kernelfalcon.store import files

AT_ONCE = Limits(retries=1_000, first_wait_s=0.0)
"""As often as it was tried then, without a wait."""


class Ends(Exception):
    """The recording has no answer to a question; the text says why."""


class Played:
    """A provider that answers as it was recorded, where it is asked the same.

    whole: whether the round went on to a verdict. folder: where the calls are kept anew.
    """

    def __init__(self, place: str, calls: Sequence[Exchange], whole: bool, folder: Path | None) -> None:
        self.place, self.left, self._whole, self._folder = place, deque(calls), whole, folder
        self.name, self.url = calls[0].author.partition("/")[0], ""
        self._warmest = calls[0].request.temperature
        self._begun = False

    def warmest(self, model: str) -> float | None:
        """What the prompt hangs on: whether seeds differed by their temperature."""
        return self._warmest

    def left_out(self, model: str) -> tuple[str, ...]:
        return ()

    def ask(self, request: Request, control: Control) -> Answer:
        """Raises the recorded CallFailed, `Ends`, and `Diverged` where the messages are others."""
        control.check()
        if not self.left and self._whole:
            raise Diverged(f"{self.place}: this run asks once more than the recorded one did")
        if not self.left:
            raise Ends("nothing more was asked")
        if not self._begun:
            self._begin(request)
        then = self.left.popleft()
        if then.request.messages != request.messages:
            shown = difference(then.request.messages, request.messages)
            raise Diverged(f"{self.place}: the prompt is not the recorded one:\n{shown}")
        self._keep(then)
        if isinstance(then.end, Answer):
            return then.end
        if isinstance(then.end, CallFailed):
            raise _again(then.end, bool(self.left))
        raise Ends("its call had no answer" + (f": {then.end.reason}" if then.end else ""))

    def _begin(self, request: Request) -> None:
        """Leaves out what a seed asked that was taken up again later: from then on it asked this question anew."""
        self._begun = True
        calls = list(self.left)
        for number in range(len(calls) - 1, 0, -1):
            if calls[number].request.messages == request.messages and isinstance(calls[number - 1].end, Answer):
                self.left = deque(calls[number:])
                return

    def _keep(self, then: Exchange) -> None:
        if self._folder is not None:
            number = then.begin(self._folder)
            if then.end is not None:
                finish(self._folder, number, then.end)


def _again(failed: CallFailed, more: bool) -> CallFailed:
    """The same, tried again where it was tried again then, and at once."""
    return CallFailed(
        failed.outcome,
        failed.about,
        failed.detail,
        again=failed.again and more,
        status=failed.status,
        param=failed.param,
        usage=failed.usage,
        partial=failed.partial,
    )


@dataclass(frozen=True, kw_only=True)
class Repeated(LlmAuthor):
    """A language model in one round of the past: asked by the code that asks a real one."""

    scene: Scene
    played: Played

    @cached_property
    def _provider(self) -> Provider:
        return self.played

    def line(self, control: Control) -> Provider:
        return self.played

    @cached_property
    def _prompts(self) -> Prompts:
        return Prompts(self.scene, self.setting.asking.templates)


@dataclass(frozen=True)
class Replay:
    """Repeats the rounds of a recording, whoever proposed them."""

    name: str
    recording: Recording
    setting: Setting

    @classmethod
    def of(cls, path: str, setting: Setting) -> Replay:
        """Raises UnknownAuthor where there is no such folder, or nothing that can be read in it."""
        from pytest_kernelfalcon.generator.registry import UnknownAuthor

        folder = (setting.start / path).absolute()
        if not path or not any(folder.glob("*/subgraphs.json")):
            raise UnknownAuthor(
                f"'replay/{path}': {str(folder)!r} holds no recorded search. Fix: name the directory of a run, "
                "as in `replay/.fuse/<run id>`, or a copy of one."
            )
        replay = cls(f"replay/{path}", Recording(folder), setting)
        try:
            replay.recording.contracts  # noqa: B018
        except files.Unreadable as error:
            raise UnknownAuthor(f"{replay.name!r}: {error}") from None
        return replay

    @property
    def repeats(self) -> dict[str, int]:
        """How many seeds a run needs to repeat all of them, and rounds of each."""
        return {"seeds": max(1, self.recording.seeds), "rounds": max(1, self.recording.rounds)}

    def ready(self) -> None:
        """Raises NotReady where this run could not repeat the recorded one whole, and for a template's fault."""
        for name, needed in self.repeats.items():
            here = getattr(self.setting, name)
            if here < needed:
                raise NotReady(f"{self.name} has {needed} {name}, of which this run would repeat {here}. "
                               f"Fix: --kernelfalcon-{name}={needed}.")  # fmt: skip
        try:
            Prompts(Scene("cpu", "", ()), self.setting.asking.templates).check()
        except PromptError as error:
            raise NotReady(str(error)) from None

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        """The candidate of the recorded round. Raises `Diverged`, and `files.Unreadable` for a damaged recording."""
        try:
            past = self.recording.find(contract)
            return self._go_on(replace(past.contract, source=contract.source), past.seed(seed), history, seed, control)
        except NotRecorded as error:
            return Exhausted(f"{self.name}: {error}", halted="failed")

    def _go_on(
        self, contract: Contract, past: PastSeed, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        own = [one for one in history if one.author == self.name]
        place, now = f"{self.name}: seed[{seed}] round {len(own)}", past.round(len(own))
        rounds = [_as_then(one, past.round(number)) for number, one in enumerate(own)]
        endings = []
        for author, calls in now.calls():
            played = Played(place, calls, now.verdict is not None, control.folder)
            try:
                answer = self._repeated(author, calls[0].scene, played).propose(contract, rounds, seed, control)
            except Ends as error:
                return Exhausted(f"{place}: the recording ends here: {error}", halted="failed")
            if isinstance(answer, Proposal):
                return _checked(answer, now, played)
            endings.append(answer.reason)
            if author == now.author:
                raise Diverged(f"{place}: there was a candidate in the recorded answers; now: {answer.reason}")
        if now.candidate is not None and now.verdict is not None:
            return _of_the_past(Proposal(now.candidate, f"of {now.author}, as it was"), now)
        return Exhausted(_ending(place, past, own, rounds, endings), halted="failed")

    def _repeated(self, author: str, scene: Scene, played: Played) -> Repeated:
        provider, _, model = author.partition("/")
        setting = replace(self.setting, run=None)  # what other seeds of this run found says nothing of that one
        return Repeated(author, provider, model, setting, AT_ONCE, scene=scene, played=played)


def _as_then(one: Round, past: PastRound) -> Round:
    """A round of this run with the verdict that the next prompt was made for."""
    return Round(one.proposal, past.verdict or one.verdict, past.author)


def _checked(proposal: Proposal, now: PastRound, played: Played) -> Proposal | Exhausted:
    """The candidate, where it is the recorded one."""
    if played.left:
        raise Diverged(f"{played.place}: there is a candidate in an answer that could not be used when it was recorded")
    if now.verdict is None:
        return Exhausted(f"{played.place}: the recording ends here: the candidate was not judged then", halted="failed")
    if now.candidate != proposal.source:
        shown = difference(now.candidate or "", proposal.source)
        raise Diverged(f"{played.place}: the candidate in the answer is not the recorded one:\n{shown}")
    return _of_the_past(proposal, now)


def _of_the_past(proposal: Proposal, now: PastRound) -> Proposal:
    assert now.verdict is not None
    return replace(proposal, past=Past(now.author, now.verdict.outcome, now.verdict.cause))


def _ending(place: str, past: PastSeed, own: Sequence[Round], rounds: Sequence[Round], endings: Sequence[str]) -> str:
    """Why there is nothing more."""
    if own and rounds[-1].verdict.outcome == "accepted":
        verdict = own[-1].verdict
        return (
            f"{place}: the recording ends here, as the candidate before was accepted then; "
            f"the judge of today: {verdict.outcome}: {verdict.message}"
        )
    return "; ".join(endings) or f"{place}: the recording ends here: {past.ending}"
