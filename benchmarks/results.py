"""The file of results: one JSON object a line, written as soon as a problem is done, and what it comes to in total."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

from pytest_kernelfalcon.store.files import to_json

Result = dict[str, Any]
"""A `Record` of attempt.py as JSON."""

OUTCOMES = ("accepted", "specialised", "refused", "undecided", "no_kernel", "broken", "inadmissible", "failed")
KEPT = ("accepted", "specialised")
BEGINNING = '{"name"'
"""Of each line: what else stands at the end of a file is not ours to cut off."""


def read(path: Path) -> list[Result]:
    """The results there, but for those of our own failures. A last line without its end was being written when a run
    was killed: it does not count. Raises ValueError where the file is something else.
    """
    if not path.exists():
        return []
    try:
        *lines, unfinished = path.read_text(encoding="utf-8").split("\n")
        if not unfinished.startswith(BEGINNING[: len(unfinished)]):
            raise ValueError(unfinished)
        results = [json.loads(line) for line in lines]
        return [result for result in results if result["outcome"] != "failed"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{str(path)!r} is no file of results. Fix: name another, or a new one.") from None


class Appending:
    """The file, open behind its last finished line. Only one process may write it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._file = path.open("r+", encoding="utf-8", newline="\n")
        self._file.truncate(path.read_bytes().rfind(b"\n") + 1)
        self._file.seek(0, 2)

    def __enter__(self) -> Appending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, result: Result) -> None:
        self._file.write(to_json(result, indent=None) + "\n")
        self._file.flush()


def line(result: Result) -> str:
    """A result in one line."""
    words = f"{result['name']:<44.44} {result['outcome']:<12} {result['seconds']:7.1f} s"
    if result["outcome"] in KEPT:
        return f"{words}  {result['configuration']} ({result['rounds']} rounds, {result['cases']} cases)"
    return f"{words}  {result['cause']}: {result['message']}"


def table(results: Collection[Result], wanted: int) -> list[str]:
    """How many results there are of each outcome and, of those without a kernel, of each cause: for `no_kernel` the
    author's reason. wanted: how many there should be.
    """
    lines = []
    for outcome in OUTCOMES:
        of_it = [result for result in results if result["outcome"] == outcome]
        if of_it or outcome == "accepted":
            lines.append(f"{outcome:<13}{len(of_it):4}")
        if outcome not in KEPT:
            causes = Counter(result["message" if outcome == "no_kernel" else "cause"] for result in of_it)
            lines += [f"    {count:4}  {cause}" for cause, count in causes.most_common()]
    if len(results) < wanted:
        lines.append(f"{'not judged':<13}{wanted - len(results):4}")
    return [*lines, f"{'problems':<13}{wanted:4}"]
