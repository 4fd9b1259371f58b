"""Prompts and candidates as lines, to show how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from pytest_kernelfalcon.generator.llm.provider import Message

LONGEST = 120
"""Lines of a difference that are shown."""


def difference(then: str | Sequence[Message], now: str | Sequence[Message]) -> str:
    """A unified diff, from the recorded one to that of this run; characters that do not print are shown by number."""
    found = list(unified_diff(list(_lines(then)), list(_lines(now)), "recorded", "now", lineterm=""))
    more = [f"… and {len(found) - LONGEST} more lines"] if len(found) > LONGEST else []
    return "\n".join([*found[:LONGEST], *more])


def _lines(what: str | Sequence[Message]) -> Iterator[str]:
    for text in [what] if isinstance(what, str) else [part for one in what for part in _parts(one)]:
        yield from ("".join(map(_shown, line)) for line in text.split("\n"))


def _parts(message: Message) -> tuple[str, str]:
    return f"── {message.role}{', stable' if message.stable else ''} ──", message.text


def _shown(character: str) -> str:
    return character if character.isprintable() or character == "\t" else f"\\u{{{ord(character):x}}}"
