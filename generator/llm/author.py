"""The author `<provider>/<model>`: a language model, asked for a candidate and told exactly what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generator.author import Exhausted, NotReady, Proposal, Round, Setting
from pytest_kernelfalcon.generator.llm import metered, prices, registry
from pytest_kernelfalcon.generator.llm.answers import Found, NoCandidate, candidate
from pytest_kernelfalcon.generator.llm.calling import Again, call
from pytest_kernelfalcon.generator.llm.conversation import Question, Unusable, size
from pytest_kernelfalcon.generator.llm.course import Course
from pytest_kernelfalcon.generator.llm.exemplars import Library
from pytest_kernelfalcon.generator.llm.halts import Halts
from pytest_kernelfalcon.generator.llm.kept import Kept
from pytest_kernelfalcon.generator.llm.knobs import diversity, temperatures
from pytest_kernelfalcon.generator.llm.metered import Metered
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.prices import Price
from pytest_kernelfalcon.generator.llm.prompts import PromptError, Prompts, Scene
from pytest_kernelfalcon.generator.llm.provider import Limits, Provider, Request
from pytest_kernelfalcon.generator.llm.settings import Settings
from pytest_kernelfalcon.generator.llm.slots import Slots
from pytest_kernelfalcon.generator.llm.strategies import strategy
from pytest_kernelfalcon.store.ledger import Ledger, Spent

UNUSABLE = 3
"""Answers in a row without a candidate, after which a seed gives its model up."""
SPOILT = {
    CallOutcome.CUT_AT_MAX_TOKENS: "it was cut at the most tokens that an answer may have: think less, and answer with the code alone",  # noqa: E501
    CallOutcome.EMPTY: "it has no text: answer with one code block, a whole file",
}
"""Failures that the model itself can mend, in words for it."""
SAMPLING = ("temperature", "top_p")
"""What nobody has asked for."""
SMALLER = 0.75
"""What is left of a prompt that was too long for its model."""


@dataclass(frozen=True)
class LlmAuthor:
    """Each seed is a conversation of its own: rules and problem, the last candidate, its verdict, the rounds before."""

    name: str
    provider_name: str
    model: str
    setting: Setting
    limits: Limits = field(default_factory=Limits)

    def ready(self) -> None:
        """Raises NotReady where a key, an address, a package, a template or a price is missing or not valid."""
        try:
            self._prompts.check()
            self._provider  # noqa: B018
        except (CallFailed, PromptError) as error:
            raise NotReady(str(error)) from None
        metered.check(self.name, self._price, self.setting.asking.budget)

    def propose(
        self, contract: Contract, history: Sequence[Round], seed: int, control: Control
    ) -> Proposal | Exhausted:
        """Raises Cancelled and DeadlineExceeded of `control`, with the call's connection closed."""
        if reason := self._halts.reason(self.name):
            return Exhausted(reason, halted="failed")
        course = Course.of([one for one in history if one.author == self.name])
        try:
            return self._asked(contract, course, seed, control)
        except CallFailed as failed:
            self._halts.add(self.name, failed)
            return Exhausted(str(failed), halted="failed")
        except Spent as spent:
            return Exhausted(str(spent), halted="spent")
        except PromptError as error:  # of a template of the user's, which this contract shows
            return Exhausted(f"{self.name}: {error}", halted="failed")

    def _asked(self, contract: Contract, course: Course, seed: int, control: Control) -> Proposal | Exhausted:
        """The first usable answer. Raises CallFailed."""
        sampled = seed < temperatures(self._provider, self.model)
        exemplar = self._library(contract).nearest(contract.source["code"], course.attempt)
        question = Question(contract, course, exemplar, strategy(seed, course.attempt, sampled))
        line, reason = self.line(control), ""
        for _ in range(UNUSABLE):
            found = self._ask(line, question, seed, control)
            self._tell_left_out(control)
            if isinstance(found, Found):
                return Proposal(found.source, found.how)
            reason = found.reason
            control.noted("unusable", author=self.name, message=reason)
            question = replace(question, unusable=found)
        told = f"{self.name}: {UNUSABLE} answers without a candidate; the last: {reason}"
        return Exhausted(told, halted="failed")

    def _ask(self, line: Provider, question: Question, seed: int, control: Control) -> Found | Unusable:
        try:
            answer = _storable(self._call(line, question, seed, control))
        except CallFailed as failed:
            if failed.outcome not in SPOILT:
                raise
            return Unusable(_storable(failed.partial), SPOILT[failed.outcome])
        last = question.course.last
        try:
            return candidate(answer, last.proposal.source if last else None)
        except NoCandidate as error:
            return Unusable(answer, str(error))

    def _call(self, line: Provider, question: Question, seed: int, control: Control) -> str:
        """The answer's text; a prompt that is too long is made smaller while there is something to leave out."""
        asking, window = self.setting.asking, self.setting.asking.window
        tell = partial(self._tell, control)
        while True:
            messages = question.messages(self._prompts, window)
            warm = diversity(seed, self._provider, self.model)
            request = Request(self.model, messages, asking.max_tokens, warm, effort=asking.effort)
            try:
                return call(line, request, control, self._slots, self.limits, tell).text
            except CallFailed as failed:
                window = int(size(messages) * SMALLER)
                if failed.outcome != CallOutcome.TOO_LONG or question.messages(self._prompts, window) == messages:
                    raise

    def _tell(self, control: Control, again: Again) -> None:
        failed = again.failed
        facts = {"outcome": str(failed.outcome), "message": failed.message, "attempt": again.attempt}
        control.noted("call_again", author=self.name, **facts, wait_s=round(again.wait_s, 2))

    def _tell_left_out(self, control: Control) -> None:
        """A model that does not take what the user asked for is asked without it, and the user is told."""
        names = [name for name in self._provider.left_out(self.model) if name not in SAMPLING]
        if names and self.setting.asking.effort:
            text = f"{self.name} does not take {', '.join(names)}: it was asked without"
            control.noted("left_out", author=self.name, message=text)

    def line(self, control: Control) -> Provider:
        """Where calls to this model go: in a run they are counted and kept. Raises CallFailed."""
        if self._folder is None:
            return self._provider
        ledger = Ledger(self._folder / "ledger.jsonl", self.setting.asking.budget)
        counted = Metered(self._provider, self.name, ledger, self._price)
        return Kept(counted, control.folder, self.name, self._scene) if control.folder else counted

    @cached_property
    def _provider(self) -> Provider:
        settings = Settings.read(self.setting.start, self.setting.root)
        return registry.provider(self.provider_name, settings, self.limits)

    @cached_property
    def _price(self) -> Price | None:
        return prices.find(self.provider_name, self.model, self._provider.url, self.setting.asking.prices)

    @cached_property
    def _scene(self) -> Scene:
        targets = tuple(f"sm_{target}" for target in self.setting.targets)
        return Scene(self.setting.platform, self.setting.triton, targets, self.setting.device)

    @cached_property
    def _prompts(self) -> Prompts:
        return Prompts(self._scene, self.setting.asking.templates)

    @cached_property
    def _folder(self) -> Path | None:
        return self.setting.run / "llm" if self.setting.run else None

    @cached_property
    def _halts(self) -> Halts:
        return Halts(self._folder)

    @cached_property
    def _slots(self) -> Slots:
        return Slots(self._folder, self.setting.asking.calls)

    def _library(self, contract: Contract) -> Library:
        """What is kept beside the problem may be kept while the run goes on."""
        return Library([(self.setting.start / contract.source["module"]).parent])


def _storable(text: str) -> str:
    """What UTF-8 cannot hold, half a surrogate pair, is replaced: no file could take it."""
    return text.encode(errors="replace").decode()
