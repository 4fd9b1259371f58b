"""What a pull request changes of its kernels, as a table: in the terminal, and in the summary of a GitHub step.

Nothing is computed here. PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.session import Session
from pytest_kernelfalcon.store import digest, events
from pytest_kernelfalcon.workers import is_worker

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub shows on a job's page as Markdown."""
COLUMNS = ("problem", "kernel", "verdict", "target", "compiles", "registers", "spills", "shared")
FIGURES = ("registers", "spills", "shared")
UNITS = "registers a thread, spills in 4-byte words, shared memory in bytes; compiled by this run, without a GPU"
NONE, NOT_JUDGED = "–", "not judged"

Problem = dict[str, Any]
Rows = list[tuple[str, ...]]


class Differences:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        changes, config = self.session.changes, terminalreporter.config
        if changes is None or is_worker(config) or config.option.collectonly:
            return
        report = digest.report(self.session.run.run_id, events.read(self.session.run.events))
        changed = [problem for problem in report["problems"] if is_changed(problem)]
        if not changed:
            return
        rows = [row for problem in changed for row in rows_of(problem)]
        terminalreporter.write_sep("-", f"kernels since {changes.short}")
        for line in (*_aligned([COLUMNS, *rows]), UNITS, *_notes(changed)):
            terminalreporter.write_line(line)
        if path := os.environ.get(SUMMARY):
            try:
                with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                    file.write(markdown(changes.short, rows, list(_notes(changed))))
            except OSError as error:
                terminalreporter.write_line(f"kernelfalcon: {SUMMARY}: {path!r} cannot be written: {error.strerror}")


def is_changed(problem: Problem) -> bool:
    """Whether the problem's or its kernel's text is another than it was."""
    was = problem["changed"]
    return was is not None and not was["problem_was"] == was["kernel_was"] == "same"


def rows_of(problem: Problem) -> Rows:
    """One row a target. The report's `changed` has the figures of both sides."""
    was = problem["changed"]
    before, after = was["before"], was["after"]
    kernel = was["kernel_was"] if was["problem_was"] == "same" else f"{was['kernel_was']}, problem {was['problem_was']}"
    targets = [name for side in (before, after) if side for name in side["targets"]]
    verdict = problem["outcome"] or NOT_JUDGED
    rows: Rows = []
    for target in dict.fromkeys(targets) or ("",):
        status = _pair(_status(before, target), _status(after, target))
        figures = [_pair(_figure(before, target, name), _figure(after, target, name)) for name in FIGURES]
        rows.append((problem["shown"], kernel, verdict, target or NONE, status, *figures))
    return rows


def _status(side: dict[str, Any] | None, target: str) -> str:
    """What compiling gave; where the judge did not get as far, why."""
    if side is None:
        return NONE
    figures = side["targets"].get(target)
    return str(figures["status"] if figures else side["cause"] or NONE)


def _figure(side: dict[str, Any] | None, target: str, name: str) -> str:
    figures = side["targets"].get(target, {}) if side else {}
    return str(figures.get(name, NONE)) if figures.get("status") != "error" else NONE


def _pair(before: str, after: str) -> str:
    return f"{before} → {after}"


def _notes(problems: Sequence[Problem]) -> Iterator[str]:
    """Why there are no figures of before."""
    for problem in problems:
        before = problem["changed"]["before"]
        if before and before["message"]:
            yield f"{problem['shown']}, before: {' '.join(before['message'].split())}"


def markdown(since: str, rows: Rows, notes: Sequence[str]) -> str:
    """The table for a page; names of files and words of the judge are shown as they are, and mark nothing up."""
    lines = [f"### Kernels since {_plain(since)}", "", _line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line(map(_plain, row)) for row in rows]
    return "\n".join([*lines, "", f"{UNITS}.", *(f"- {_plain(note)}" for note in notes), "", ""])


def _line(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """As characters, by their numbers, whatever Markdown would make of them."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return "".join(f"&#{ord(letter)};" if letter in "&|`*_[]()<>\\~#!@:" else letter for letter in shown)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
