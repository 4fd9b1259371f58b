"""Writes the tables of docs/verdicts.md from the catalogue: `python docs/verdicts.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
CATALOGUE = HERE.parent / "pytest_kernelfalcon" / "contracts" / "causes.py"
PAGE = HERE / "verdicts.md"
BEGIN, END = "<!-- from contracts/causes.py: python docs/verdicts.py -->", "<!-- end -->"


def page(text: str) -> str:
    """The page's text with the tables of now. Raises ValueError where the place for them is gone."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the tables: {BEGIN} … {END}")
    return "\n".join([before + BEGIN, *_tables(), END]) + after


def _tables() -> Iterator[str]:
    """One for each part of the catalogue, in its order; a comment of the catalogue is a heading here."""
    from pytest_kernelfalcon.contracts.causes import Cause

    for line in CATALOGUE.read_text(encoding="utf-8").split("# fmt: off")[1].split("# fmt: on")[0].splitlines():
        if heading := re.match(r"    # (.+)", line):
            title = heading[1][0].upper() + heading[1][1:]
            yield from ("", f"### {title}", "", "| cause | outcome | what is said | fix |", "|---|---|---|---|")
        elif name := re.match(r"    ([A-Z_]+) = ", line):
            cause = Cause[name[1]]
            yield f"| `{cause}` | {cause.outcome} | {_cell(cause.entry.text)} | {_cell(cause.entry.fix)} |"


def _cell(text: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", r"*\1*", text).replace("|", "\\|")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
