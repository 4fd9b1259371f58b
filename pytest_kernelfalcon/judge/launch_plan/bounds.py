"""What a message is held to: how much a candidate may say and take, and how one that breaks it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kernelfalcon.contracts.causes import Cause

MAX_INTEGER = 2**62
"""Of sizes, strides and offsets: what is computed of a few of them stays a number of moderate length."""
MAX_LINE = 1_000_000


class Invalid(Exception):
    """A message outside the vocabulary, or one that breaks a bound."""

    def __init__(self, cause: Cause, line: int | None = None, **facts: object) -> None:
        super().__init__(str(facts))
        self.cause, self.line, self.facts = cause, line, facts


@dataclass(frozen=True)
class Bounds:
    """What one judged candidate may do in each call, and in all of them.

    messages, text: of one call, and its messages' bytes. all_messages: of all calls. message_bytes, depth: of one
    message, and how deeply it may be nested. call_bytes: of what one call allocates, and of its results, and of each
    tensor. reads: elements read back into Python in one call, and how often.
    """

    messages: int = 20_000
    all_messages: int = 200_000
    message_bytes: int = 1 << 16
    text: int = 8 << 20
    depth: int = 40
    call_bytes: int = 16 << 30
    reads: int = 64

    @classmethod
    def beside(cls, output_bytes: int) -> Bounds:
        """The usual ones, for a problem with outputs of so many bytes."""
        return cls(call_bytes=cls.call_bytes + output_bytes)


def need(condition: bool, detail: str, line: int | None = None) -> None:
    if not condition:
        raise Invalid(Cause.PLAN_INVALID, line, detail=detail)


def shown(value: object, at_most: int = 80) -> str:
    """Some of what a candidate sent, for one line of a message: short, and of characters that only print."""
    text = " ".join(str(value)[: 4 * at_most].split())[:at_most]
    return "".join(character if character.isprintable() else "?" for character in text)


def integers(value: Any, low: int, high: int, at_most: int, what: str) -> tuple[int, ...]:
    """`value` as a tuple of plain integers in [low, high]."""
    good = isinstance(value, list) and len(value) <= at_most and all(type(x) is int and low <= x <= high for x in value)
    need(good, f"{what} is {shown(value)}")
    return tuple(value)


def line_of(message: dict[str, Any]) -> int | None:
    """The candidate's line that a message names, if any."""
    line = message.get("line")
    good = line is None or (type(line) is int and 1 <= line <= MAX_LINE)
    need(good, f"the line {shown(line, 40)}")
    return line
