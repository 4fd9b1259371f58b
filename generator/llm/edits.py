"""Edits of a candidate as models write them: the lines that are there, and what they become.

<<<<<<< SEARCH
lines of the last candidate
=======
lines instead of them
>>>>>>> REPLACE
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPENS = re.compile(r"[ \t>]*<{5,9} ?SEARCH")
MIDDLE = re.compile(r"[ \t>]*={5,9}[ \t]*$")
CLOSES = re.compile(r"[ \t>]*>{5,9} ?REPLACE")


class EditError(ValueError):
    """An edit does not fit the text; the message says which lines."""


@dataclass(frozen=True)
class Edit:
    """Whole lines, each with its end."""

    search: str
    replace: str


def edits_in(answer: str) -> list[Edit]:
    """In their order; none in an answer of another form. Each line is looked at once, as an answer may be hostile."""
    found: list[Edit] = []
    search: list[str] | None = None
    replace: list[str] | None = None
    for line in answer.split("\n"):
        if replace is not None and search is not None:
            if CLOSES.match(line):
                found.append(Edit("".join(search), "".join(replace)))
                search = replace = None
            else:
                replace.append(line + "\n")
        elif OPENS.match(line):
            search = []
        elif search is not None:
            if MIDDLE.match(line):
                replace = []
            else:
                search.append(line + "\n")
    return found


def applied(edits: Sequence[Edit], text: str) -> str:
    """The text after all of them, one after the other. Raises `EditError`."""
    for edit in edits:
        text = _one(edit, text)
    return text


def _one(edit: Edit, text: str) -> str:
    wanted, lines = edit.search.splitlines(), text.splitlines()
    if not any(line.strip() for line in wanted):
        raise EditError("an edit has nothing to search for")
    places = _places(wanted, lines) or _places(wanted, lines, by_stripped=True)
    if len(places) != 1:
        there = "are not in the last candidate" if not places else f"are there {len(places)} times"
        raise EditError(f"the lines of an edit that begin with {_first(wanted)!r} {there}")
    at = places[0]
    shift = _indent(lines[at]) - _indent(wanted[0])
    replaced = [_shifted(line, shift) for line in edit.replace.splitlines()]
    return "\n".join([*lines[:at], *replaced, *lines[at + len(wanted) :]]) + "\n"


def _places(wanted: Sequence[str], lines: Sequence[str], by_stripped: bool = False) -> list[int]:
    """Where the wanted lines stand; by_stripped: whatever their indentation, as long as it is all moved alike."""
    same = _same_but_moved if by_stripped else _same
    return [at for at in range(len(lines) - len(wanted) + 1) if same(wanted, lines[at : at + len(wanted)])]


def _same(wanted: Sequence[str], lines: Sequence[str]) -> bool:
    return [line.rstrip() for line in wanted] == [line.rstrip() for line in lines]


def _same_but_moved(wanted: Sequence[str], lines: Sequence[str]) -> bool:
    shifts = {_indent(b) - _indent(a) for a, b in zip(wanted, lines, strict=True) if a.strip()}
    return len(shifts) == 1 and [line.strip() for line in wanted] == [line.strip() for line in lines]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if not line.strip():
        return ""
    return " " * (_indent(line) + by) + line.lstrip(" ") if by else line


def _first(lines: Sequence[str]) -> str:
    return next(line.strip() for line in lines if line.strip())[:80]
