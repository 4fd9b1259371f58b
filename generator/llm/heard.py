"""What has come of an answer so far."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_kernelfalcon.generator.llm.outcomes import About, CallFailed, CallOutcome
from pytest_kernelfalcon.generator.llm.provider import Answer, Usage

LONGEST = 4_000_000
"""Characters of an answer. More is no kernel, but would fill the memory."""
MOST_TOKENS = 10**9


def look(data: object, *path: str | int) -> Any:
    """What lies at `path` in JSON data, None where it has no such place. Servers leave out what they like."""
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def count(data: object, *path: str | int) -> int | None:
    """The number of tokens at `path`, None where there is none, or one that no call can have."""
    found = look(data, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= MOST_TOKENS else None


def from_json(text: str) -> object:
    """The JSON data, or the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def plain(event: object, heard: Heard) -> dict[str, Any]:
    """An SDK's event as the JSON object that was sent. Raises CallFailed where it was none."""
    data = event.to_dict(warnings=False) if hasattr(event, "to_dict") else event
    if not isinstance(data, dict):
        raise heard.failed(CallOutcome.MALFORMED, f"an event is {str(data)[:100]!r}")
    return data


@dataclass
class Heard:
    """Filled by a wire as its events come; says at the end what became of the call."""

    about: About
    model: str
    usage: Usage = field(default_factory=Usage)
    finish: str = ""
    how: Literal["", "stop", "length", "refused"] = ""
    refusal: str = ""
    size: int = 0
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def say(self, text: object) -> None:
        """More text. Raises CallFailed where it is none, or far too much."""
        if text is None:
            return
        if not isinstance(text, str):
            raise self.failed(CallOutcome.MALFORMED, f"{type(text).__name__} in the place of text")
        self.size += len(text)
        if self.size > LONGEST:
            raise self.failed(CallOutcome.MALFORMED, f"more than {LONGEST} characters")
        self.parts.append(text)

    def part(self) -> None:
        """A new part begins: what stood at the beginning of a line still does."""
        if self.parts and not self.text.endswith("\n"):
            self.say("\n")

    def count(self, **tokens: int | None) -> None:
        """What the server says of tokens; what it said earlier stays where it says nothing now."""
        self.usage = replace(self.usage, **{name: number for name, number in tokens.items() if number is not None})

    def end(self, finish: object, how: Literal["stop", "length", "refused"]) -> None:
        self.finish, self.how = str(finish), how

    def failed(self, outcome: CallOutcome, detail: str = "", **more: Any) -> CallFailed:
        """The call's failure, with what was heard before."""
        return CallFailed(outcome, self.about, detail, usage=self.usage, partial=self.text, **more)

    def answer(self) -> Answer:
        """The whole answer; raises CallFailed where it is none."""
        if self.refusal or self.how == "refused":
            raise self.failed(CallOutcome.CONTENT_REFUSED, self.refusal[:300])
        if not self.how:
            raise self.failed(CallOutcome.UNFINISHED)
        if self.how == "length":
            raise self.failed(CallOutcome.CUT_AT_MAX_TOKENS)
        if not self.text.strip():
            raise self.failed(CallOutcome.EMPTY)
        return Answer(self.text, self.usage, self.model, self.finish)
