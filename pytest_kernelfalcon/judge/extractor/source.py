"""From a candidate's text to lines and a tree: what Python, Triton and we could read differently is refused."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.judge.extractor.refusal import Refusal, Refused

MAX_BYTES = 400_000
TOO_DEEP = "it is nested too deeply"
COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""An encoding declaration (PEP 263), which counts in the first two lines."""


@dataclass(frozen=True)
class Source:
    """lines: without their ends, lines[0] being line 1. tree: of the same text."""

    lines: list[str]
    tree: ast.Module


def read(text: str) -> Source:
    """Raises Refused: SOURCE_UNREADABLE for what is no plain UTF-8 text, SOURCE_SYNTAX with its line."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    _check_text(text)
    lines = text.split("\n")
    _check_cookie(lines)
    return Source(lines, parse(text))


def parse(text: str) -> ast.Module:
    """The tree of a text that Python compiles. Raises Refused with SOURCE_SYNTAX."""
    try:
        with quietly():
            compile(text, "<candidate>", "exec", dont_inherit=True)  # some errors are found after parsing only
            return ast.parse(text)
    except SyntaxError as error:
        raise Refused(Refusal(Cause.SOURCE_SYNTAX, error.msg, error.lineno or None)) from None
    except (RecursionError, MemoryError):
        raise Refused(Refusal(Cause.SOURCE_SYNTAX, TOO_DEEP, None)) from None
    except ValueError as error:
        raise Refused(Refusal(Cause.SOURCE_SYNTAX, str(error), None)) from None


@contextmanager
def quietly() -> Iterator[None]:
    """No warnings about the text that is compiled inside: a stray "\\d" is the candidate's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_text(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _unreadable("it holds half a surrogate pair", text, error.start) from None
    if size > MAX_BYTES:
        raise Refused(Refusal(Cause.SOURCE_UNREADABLE, f"it is {size} bytes long, at most {MAX_BYTES} are read", None))
    for character, name in (("\0", "a NUL"), ("\f", "a form feed"), ("\r", "a carriage return with no line feed")):
        if (at := text.find(character)) >= 0:
            raise _unreadable(f"it holds {name}", text, at)


def _check_cookie(lines: list[str]) -> None:
    for number, line in enumerate(lines[:2], 1):
        found = COOKIE.match(line)
        if found and found[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise Refused(Refusal(Cause.SOURCE_UNREADABLE, f"it declares the encoding `{found[1]}`", number))


def _unreadable(detail: str, text: str, at: int) -> Refused:
    return Refused(Refusal(Cause.SOURCE_UNREADABLE, detail, text.count("\n", 0, at) + 1))
