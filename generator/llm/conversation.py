"""The messages of one question: what is stable first, then the last candidate, and what to mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.llm.course import Course
from pytest_kernelfalcon.generator.llm.prompts import Exemplar, Prompts, fenced, tokens
from pytest_kernelfalcon.generator.llm.provider import Message
from pytest_kernelfalcon.judge import verdict_text

SHOWN = 4000
"""Characters of an answer without a candidate that its model is shown again."""


@dataclass(frozen=True)
class Unusable:
    """An answer in which there is no candidate, and why."""

    answer: str
    reason: str


@dataclass(frozen=True)
class Question:
    """All that a question may hold. exemplar: what goes last where the window is small."""

    contract: Contract
    course: Course
    exemplar: Exemplar | None
    strategy: str
    unusable: Unusable | None = None

    def messages(self, prompts: Prompts, window: int) -> tuple[Message, ...]:
        """As much of it as `window` tokens hold: the oldest history is left out first, then the exemplar."""
        digests = self.course.digests
        while True:
            whole = self._messages(prompts, digests, self.exemplar)
            if size(whole) <= window:
                return whole
            if not digests:
                return self._messages(prompts, [], None)
            digests = digests[1:]

    def _messages(self, prompts: Prompts, digests: Sequence[str], exemplar: Exemplar | None) -> tuple[Message, ...]:
        last = self.course.last
        earlier = digests if last is None else ()
        first = prompts.first(self.contract, exemplar, self.strategy, earlier)
        begun = (Message("system", prompts.system(), stable=True), Message("user", first, stable=True))
        if last is None and self.unusable is None:
            return begun
        verdict = verdict_text.feedback(last.verdict, last.proposal.source) if last else ""
        reason = self.unusable.reason if self.unusable else ""
        refinement = prompts.refinement(verdict, digests if last else (), reason, self._advice())
        return (*begun, Message("assistant", self._said()), Message("user", refinement))

    def _said(self) -> str:
        """The last candidate whole, as edits are edits of it; without one, what was answered instead."""
        if self.course.last is not None:
            return fenced(self.course.last.proposal.source, "python")
        assert self.unusable is not None
        return self.unusable.answer[:SHOWN].strip() or "(nothing)"

    def _advice(self) -> str:
        """What to make of a candidate that was there before; it was not judged again."""
        if (number := self.course.repeats) is None:
            return ""
        return f"This is your candidate of round {number} again, already tried. Answer with one that differs."


def size(messages: Sequence[Message]) -> int:
    """Tokens, about."""
    return sum(tokens(message.text) for message in messages)
