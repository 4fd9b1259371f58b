"""The candidates: families of them on one problem each, in folders beside this file.

A family is `problem.py`, kernels (`kernel.py` unless `file` names another, for all or for one), and `candidates.toml`:
for each candidate its name, whether it is honest, and what text of the kernel it replaces by what.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Candidate:
    """honest: whether it must be accepted; else it must not be."""

    family: str
    name: str
    honest: bool
    source: str


def families() -> list[str]:
    return sorted(path.parent.name for path in HERE.glob("*/candidates.toml"))


def problem(family: str) -> str:
    return (HERE / family / "problem.py").read_text(encoding="utf-8")


def candidates(family: str) -> Iterator[Candidate]:
    """Raises ValueError for an edit whose text the kernel lacks."""
    listed = tomllib.loads((HERE / family / "candidates.toml").read_text(encoding="utf-8"))
    for entry in listed["candidate"]:
        source = (HERE / family / entry.get("file", listed.get("file", "kernel.py"))).read_text(encoding="utf-8")
        if "from" in entry:
            if entry["from"] not in source:
                raise ValueError(f"{family}, {entry['name']!r}: the kernel has no text {entry['from']!r}")
            source = source.replace(entry["from"], entry["to"])
        yield Candidate(family, entry["name"], entry["honest"], source)
