"""A description in words: the first author that is a model drafts a problem file, which the caller sees first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.generating.asked import Fuse
from pytest_kernelfalcon.generating.result import DECLINED, NO_PROBLEM, CannotGenerate, Generated, RunFailed
from pytest_kernelfalcon.generating.settings import Settings
from pytest_kernelfalcon.generator.author import Asking, NotReady, Setting
from pytest_kernelfalcon.generator.llm import calling, registry
from pytest_kernelfalcon.generator.llm.author import LlmAuthor
from pytest_kernelfalcon.generator.llm.drafting import Drafted, draft
from pytest_kernelfalcon.generator.llm.outcomes import CallFailed
from pytest_kernelfalcon.generator.llm.prompts import PromptError, Prompts, Scene
from pytest_kernelfalcon.generator.llm.provider import Message, Request
from pytest_kernelfalcon.generator.llm.slots import Slots
from pytest_kernelfalcon.generator.registry import UnknownAuthor, resolve
from pytest_kernelfalcon.judge.judge import Judge, Unavailable
from pytest_kernelfalcon.judge.verdict import JudgeError
from pytest_kernelfalcon.store import costs, files, rundir
from pytest_kernelfalcon.store.events import Event
from pytest_kernelfalcon.store.ledger import Budget, Cost, Spent

Tell = Callable[[str], None]
LEAST = {"dollars": 1e-6, "tokens": 1}
"""The least that a budget can say, which is for no call enough; the cookbook needs none."""


@dataclass(frozen=True)
class Drafter:
    """One description and who drafts for it. model: as `author` names it. folder: where the answers are kept.

    calls: what was asked for it, as in the record of a run.
    """

    words: str
    model: str
    settings: Settings
    fuse: Fuse
    tell: Tell
    folder: Path
    calls: list[Event] = field(default_factory=list)

    @classmethod
    def of(cls, words: str, settings: Settings, fuse: Fuse, tell: Tell) -> Drafter:
        """Raises CannotGenerate where no author is a model."""
        if not words.strip():
            raise CannotGenerate(
                f"description={words!r} says nothing. Fix: describe the computation, its shapes and dtypes."
            )
        authors = settings.value("author")
        models = [name for name in authors if name.partition("/")[0] in registry.PROVIDERS]
        if not models:
            known = ", ".join(f"'{name}/<model>'" for name in registry.PROVIDERS)
            raise CannotGenerate(
                f"description= needs an author that is a language model, and author is {','.join(authors)!r}. Fix: "
                f"give author= one of {known}, before or behind others; or write the problem file yourself."
            )
        return cls(words, models[0], settings, fuse, tell, fuse.root / "drafts" / rundir.new_run_id())

    @property
    def path(self) -> Path:
        """Where the problem lies once it is one: the next call with the same words finds it there."""
        return self.fuse.problem(" ".join(self.words.split()[:6]), f"{self.model}\n{self.words}")

    @property
    def left(self) -> Settings:
        """The settings of the run, whose budget is what the draft has left of it."""
        budget: Budget | None = self.settings.value("budget")
        return self.settings if budget is None else self.settings.changed(budget=self._rest(budget).option)

    def _rest(self, budget: Budget) -> Budget:
        cost = costs.total(self.calls)
        if cost is None:
            return budget
        used = Cost(cost["tokens"]["input"] + cost["tokens"]["output"], cost["dollars"])
        steps = math.floor((budget.amount - budget.used(used)) / LEAST[budget.unit])
        return replace(budget, amount=max(steps, 1) * LEAST[budget.unit])

    def problem(self, confirm: Callable[[str], object] | None) -> Path | Generated:
        """The problem's file, drafted now or by an earlier call; or why there is none. Raises CannotGenerate."""
        kept = self.path.is_file() and not self.settings.value("fresh")
        if not kept and (failed := self._draft()):
            return failed
        text = self.path.read_text(encoding="utf-8")
        who = "an earlier call" if kept else self.model
        self.tell(f"{self.path}, drafted by {who}:\n\n{text}\n")
        if confirm is None or confirm(text):
            return self.path
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.path.replace(self.folder / self.path.name)
        return self._ended(DECLINED, f"the draft was declined; it is kept as {aside}", problem=aside)

    def _draft(self) -> Generated | None:
        """Has the problem drafted, and written where it is one."""
        try:
            found = self._drafted()
        except CallFailed as failed:
            return self._ended(NO_PROBLEM, f"no problem was drafted: {failed}")
        except Spent as spent:
            return self._ended(NO_PROBLEM, f"no problem was drafted: {spent}. Fix: give a larger budget.")
        except (Unavailable, PromptError) as error:
            raise CannotGenerate(str(error)) from None
        except JudgeError as error:
            raise RunFailed(f"the judge failed, which says nothing about the draft: {error}") from None
        if found.text is None:
            return self._ended(
                NO_PROBLEM,
                f"{self.model} wrote {found.drafts} drafts, and none is a problem; the last: {found.fault}\nThey are "
                f"in {self.folder}. Fix: say more of shapes, dtypes and the computation; name another model; or write "
                "the problem file yourself.",
            )
        files.write(self.path, found.text)
        return None

    def _ended(self, outcome: str, text: str, problem: Path | None = None) -> Generated:
        return Generated(outcome, text, problem=problem, cost=costs.total(self.calls))

    def _drafted(self) -> Drafted:
        """Raises CallFailed, Spent, Unavailable, PromptError and JudgeError."""
        value = self.settings.value
        author = self._author()
        prompts = Prompts(Scene(value("platform"), "", ()), value("templates"))
        with Judge(value("platform"), value("sandbox")) as judge:
            judge.start()  # it takes its seconds while the model writes
            return draft(
                self.words,
                prompts,
                partial(self._ask, author),
                lambda one: judge.inspect(one, Control()),
                self._refused,
            )

    def _author(self) -> LlmAuthor:
        """The one that drafts. What the run would refuse of any is told before a draft is paid for: CannotGenerate."""
        value, root = self.settings.value, self.fuse.root.parent
        paid = {"budget": value("budget"), "prices": dict(value("prices") or ())}
        asking = Asking(value("effort"), value("max_tokens"), templates=value("templates"), **paid)
        setting = Setting(Path.cwd(), root, run=self.folder, platform=value("platform"), asking=asking)
        try:
            authors = {name: resolve(name, setting) for name in value("author")}
            for author in authors.values():
                getattr(author, "ready", lambda: None)()
        except (UnknownAuthor, NotReady) as error:
            raise CannotGenerate(f"author: {error}") from None
        return next(author for author in authors.values() if isinstance(author, LlmAuthor))

    def _ask(self, author: LlmAuthor, messages: Sequence[Message]) -> str:
        """One call, tried again where that may help; raises CallFailed and Spent."""
        asking, control = author.setting.asking, Control(folder=self.folder, noted=self._noted)
        request = Request(author.model, tuple(messages), asking.max_tokens, effort=asking.effort)
        return calling.call(author.line(control), request, control, Slots(None), author.limits, self._again).text

    def _again(self, again: calling.Again) -> None:
        self.tell(f"{again.failed.message}: asked again in {again.wait_s:.0f} s\n")

    def _noted(self, kind: str, **facts: object) -> None:
        if kind == "call":
            self.calls.append(facts)

    def _refused(self, number: int, fault: str) -> None:
        self.tell(f"draft {number} is no problem: {fault}\n")
