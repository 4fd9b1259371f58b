"""Why the extractor does not take something, as data."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.causes import Cause

MAX_QUOTED = 60
"""Characters of the candidate's text that a message repeats."""


@dataclass(frozen=True)
class Refusal:
    """cause: SOURCE_UNREADABLE, SOURCE_SYNTAX, NO_ENTRY_POINT, KERNEL_CONSTRUCT or KERNEL_DUPLICATE.

    detail: one sentence without the place. line: of the candidate, from 1; None where there is none.
    kernel: the kernel at fault; empty where the whole source is.
    """

    cause: Cause
    detail: str
    line: int | None
    kernel: str = ""


class Refused(Exception):
    """A source, or one kernel of it, is not taken."""

    def __init__(self, refusal: Refusal) -> None:
        place = f"line {refusal.line}: " if refusal.line else ""
        super().__init__(f"{place}{refusal.detail}")
        self.refusal = refusal


def construct(where: ast.AST | int, detail: str) -> Refused:
    """A kernel holds something that is not on the allow-list. `where`: a node of the candidate, or its line."""
    line = where if isinstance(where, int) else getattr(where, "lineno", None)
    return Refused(Refusal(Cause.KERNEL_CONSTRUCT, detail, line))


def quoted(text: object) -> str:
    """Some of the candidate's own text, short enough for one line of a message."""
    shown = " ".join(str(text).split())
    return f"`{shown if len(shown) <= MAX_QUOTED else shown[: MAX_QUOTED - 1] + '…'}`"
