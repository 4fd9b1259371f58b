"""Lines below the cursor of a terminal that somebody else writes to.

IND (ESC D) and RI (ESC M) move the cursor a line down and up in its column, and make a line where there is none: the
half-written line of dots above is never touched, whatever its length.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from io import UnsupportedOperation
from typing import Any, TextIO

IND, RI, SAVE, RESTORE = "\x1bD", "\x1bM", "\x1b7", "\x1b8"
NEXT, TO_LINE_END, TO_SCREEN_END = "\x1b[B\r", "\x1b[K", "\x1b[J"
LINE = "\x1b[2K"
DIM, PLAIN = "\x1b[2m", "\x1b[0m"
MIN_COLUMNS, MIN_ROWS = 20, 4
"""On a smaller terminal nothing is drawn."""


class Below:
    """The lines, as text to send to the terminal behind the descriptor.

    They are drawn and erased in one piece each, so that a resize falls in between.
    """

    def __init__(self, descriptor: int, dim: bool) -> None:
        self._descriptor = descriptor
        self._dim = dim
        self._drawn: os.terminal_size | None = None

    def columns(self) -> int:
        return os.get_terminal_size(self._descriptor).columns

    def intact(self) -> bool:
        """Whether the lines are there, on a terminal of the size that they were drawn for."""
        return self._drawn == os.get_terminal_size(self._descriptor)

    def draw(self, lines: Sequence[str]) -> str:
        """Puts the lines below the cursor, in place of those that are there."""
        size = os.get_terminal_size(self._descriptor)
        if not lines or size.columns < MIN_COLUMNS or size.lines < MIN_ROWS:
            return self.erase()
        self._drawn = size
        start, end = (DIM, PLAIN) if self._dim else ("", "")
        drawn = [NEXT + TO_LINE_END + start + fit(line, size.columns - 1) + end for line in lines]
        return IND * len(lines) + RI * len(lines) + SAVE + "".join(drawn) + TO_SCREEN_END + RESTORE

    def erase(self) -> str:
        """Erases all that is below the cursor's line, however a resize may have broken the lines there."""
        if self._drawn is None:
            return ""
        self._drawn = None
        return IND + LINE + TO_SCREEN_END + RI


class Shared:
    """A text file that its writer shares with us: it stands in for the file, and keeps our lines out of its way.

    screen: whether lines can be drawn there. dim: whether they may be dim.
    """

    def __init__(self, file: TextIO, screen: bool, dim: bool) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._lines: Sequence[str] = ()
        self._at_start = True
        self._own = _copied(file)
        self._below = Below(self._own, dim) if screen and self._own is not None else None

    @property
    def columns(self) -> int | None:
        """Of the terminal, as it is now; None where lines cannot be drawn."""
        return None if self._below is None else self._below.columns()

    def write(self, text: str) -> int:
        with self._lock:
            if self._below is not None:
                self._send(self._below.erase())
            written = self._file.write(text)
            self._file.flush()
            self._at_start = text.endswith("\n") if text else self._at_start
            if self._below is not None:
                self._send(self._below.draw(self._lines))
        return written

    def show(self, lines: Sequence[str]) -> None:
        """Draws the lines; none erases what is there."""
        if self._below is None:
            return
        with self._lock:
            if lines != self._lines or not self._below.intact():
                self._lines = lines
                self._send(self._below.draw(lines))

    def say(self, line: str) -> None:
        """A line of its own among the writer's."""
        with self._lock:
            self._send(("" if self._at_start else "\n") + line + "\n")
            self._at_start = True

    def close_own(self) -> None:
        if self._own is not None:
            os.close(self._own)

    def _send(self, text: str) -> None:
        if self._own is None:
            self._file.write(text)
            return
        left = text.encode(self._file.encoding or "utf-8", "replace")
        while left:
            left = left[os.write(self._own, left) :]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _copied(file: TextIO) -> int | None:
    """A descriptor of our own: pytest turns the file's elsewhere while a test runs. None for a file in memory."""
    try:
        return os.dup(file.fileno())
    except UnsupportedOperation:
        return None


def fit(text: str, columns: int) -> str:
    """The text with characters that only print, cut where it is wider than so many columns."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    if sum(map(_width, text)) <= columns:
        return text
    return "".join(_cut(text, columns - 1)) + "…"


def _cut(text: str, columns: int) -> Iterator[str]:
    for character in text:
        columns -= _width(character)
        if columns < 0:
            return
        yield character


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
