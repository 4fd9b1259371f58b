"""Golden texts: what a person sees, with what differs from run to run under a name. `REWRITE_GOLDEN=1` accepts
what there is now.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "expected"

SOURCE = re.compile(r"\s*>?\s*\d+ \|")
"""A line of a problem or a candidate, which is shown as it is."""
VOLATILE = (
    (r"^  not isolated by: .*\n", ""),  # hangs on this machine
    (r"^  repro: .*", "  repro: {command}"),
    (r"(?<=at )\[[\d, ]*\]: got [^,]+, want [^,\n]+", "{index}: got {number}, want {number}"),
    (r"(registers|spills|shared) \d+", r"\1 {number}"),
    (r"\d+(?= cases? on)", "{number}"),
    (r"program: \[[\d, ]+\]", "program: {program}"),
    (r"\b\d+\.\d+(e[+-]?\d+)?\b|\b\d+e[+-]?\d+\b", "{number}"),
)
"""What hangs on drawn values, on time, or on the machine, and what stands for it."""


def normal(text: str, volatile: tuple[str, ...] = ()) -> str:
    """The text with `{…}` for what differs from run to run."""
    for pattern in volatile:
        text = re.sub(pattern, "{number}", text)
    return "".join(line if SOURCE.match(line) else _named(line) for line in text.splitlines(keepends=True))


def _named(line: str) -> str:
    for pattern, name in VOLATILE:
        line = re.sub(pattern, name, line)
    return line


def expect(name: str, text: str) -> None:
    """Fails, with the difference, unless the file of that name holds this text."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text)
    wanted = path.read_text() if path.exists() else ""
    assert text.splitlines() == wanted.splitlines(), f"{path.name} holds another text; REWRITE_GOLDEN=1 accepts"
