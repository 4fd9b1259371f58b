"""What a model is asked: Jinja2 templates, each of which the user may replace, filled from contract and verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
)

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.generator.author import Round
from pytest_kernelfalcon.generator.llm import described
from pytest_kernelfalcon.judge.accuracy import RMS_BOUND, WORST_BOUND

TEMPLATES = ("system.md.j2", "first.md.j2", "refine.md.j2", "draft.md.j2", "redraft.md.j2")
SHOWN = 160
"""Characters of an earlier verdict's message."""


class PromptError(ValueError):
    """A template of the user's cannot be filled; the text names it, the line and the fault."""


@dataclass(frozen=True)
class Scene:
    """Where candidates are judged. triton: its version. targets: what they are compiled for. device: "" for none."""

    platform: str
    triton: str
    targets: tuple[str, ...]
    device: str = ""


@dataclass(frozen=True)
class Exemplar:
    """An accepted kernel for a problem that is like the one at hand. about: that problem, in a few words."""

    about: str
    source: str


class Prompts:
    """folder: the user's own templates, which count before ours. Raises `PromptError` for a file of another name."""

    def __init__(self, scene: Scene, folder: Path | None = None) -> None:
        ours = PackageLoader("pytest_kernelfalcon.generator.llm")
        loader = ChoiceLoader([FileSystemLoader(folder), ours]) if folder else ours
        self._scene = scene
        self._environment = Environment(
            loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
        )
        self._environment.filters["fenced"] = fenced
        if folder:
            _check(folder)

    def check(self) -> None:
        """Raises `PromptError` for what is wrong with a template by itself, before there is a contract to fill it."""
        for name in TEMPLATES:
            self._template(name)
        self.system()

    def system(self) -> str:
        """The same for all problems of a run, so that a provider's cache serves it."""
        return self._fill("system.md.j2", scene=self._scene, rms_bound=f"{RMS_BOUND:g}", worst_bound=f"{WORST_BOUND:g}")

    def first(
        self, contract: Contract, exemplar: Exemplar | None = None, strategy: str = "", earlier: Sequence[str] = ()
    ) -> str:
        """earlier: digests of rounds that led nowhere."""
        facts = described.facts(contract) | {"exemplar": exemplar, "strategy": strategy, "earlier": earlier}
        return self._fill("first.md.j2", scene=self._scene, **facts)

    def refinement(self, verdict: str, earlier: Sequence[str], unusable: str = "", advice: str = "") -> str:
        """verdict: the last candidate's, in full. earlier: digests of the rounds before it. unusable: why there is no
        candidate in the last answer.
        """
        return self._fill("refine.md.j2", verdict=verdict, earlier=earlier, unusable=unusable, advice=advice)

    def draft(self, words: str, longest: int, longest_line: int) -> str:
        """For a problem file of a description in words; longest: of the file and of a line, in characters."""
        return self._fill("draft.md.j2", words=words, longest=longest, longest_line=longest_line)

    def redraft(self, fault: str) -> str:
        """After a draft that was no problem."""
        return self._fill("redraft.md.j2", fault=fault)

    def _fill(self, name: str, **facts: Any) -> str:
        template = self._template(name)
        try:
            return template.render(facts).strip() + "\n"
        except TemplateError as error:
            raise PromptError(f"the template {name} cannot be filled: {error}") from None

    def _template(self, name: str) -> Template:
        try:
            return self._environment.get_template(name)
        except TemplateSyntaxError as error:
            raise PromptError(f"the template {name}:{error.lineno} is not valid: {error}") from None


def _check(folder: Path) -> None:
    """A misspelt file would silently be left out."""
    if not folder.is_dir():
        raise PromptError(f"{str(folder)!r} is no folder. Fix: name a folder with templates: {', '.join(TEMPLATES)}")
    known = [path for path in folder.iterdir() if path.name in TEMPLATES]
    if strange := [path.name for path in folder.glob("*.j2") if path not in known]:
        raise PromptError(f"{folder / strange[0]} replaces no template. Fix: name it one of {', '.join(TEMPLATES)}")


def fenced(text: str, language: str) -> str:
    """A code block that nothing in the text can end: its fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def digest(number: int, round: Round) -> str:
    """An earlier round in one line."""
    verdict = round.verdict
    line = (verdict.where or {}).get("line")
    place = f", line {line}" if line else ""
    text = " ".join(verdict.message.split())
    shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return f"round {number}: {verdict.outcome} ({verdict.cause}{place}): {shown}"


def tokens(text: str) -> int:
    """About as many as a model counts: four characters each."""
    return -(-len(text) // 4)
