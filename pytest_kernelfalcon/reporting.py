"""What people and machines see of a run. Nothing is computed here: the report is a digest of the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pytest_kernelfalcon.fixtures import STATE
from pytest_kernelfalcon.session import Session
from pytest_kernelfalcon.store import digest, events, files
from pytest_kernelfalcon.verdict_text import error_over_eager
from pytest_kernelfalcon.workers import is_worker

STATUS = {
    "lost": ("lost", "L", "LOST"),
    "cancelled": ("cancelled", "C", "CANCELLED"),
    "cached": ("passed", ".", "PASSED (found by an earlier run)"),
}
"""pytest's category, letter and word for the states that pytest does not have."""

COLUMNS = ("problem", "outcome", "subgraphs", "winner", "rounds", "cases", "error/eager", "time")
NONE = "-"


class Reporting:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.report: dict[str, Any] | None = None

    def pytest_report_header(self, config: pytest.Config) -> str:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_report_header"""
        session = self.session
        start, run = config.invocation_params.dir, session.run.path
        place = run.relative_to(start) if run.is_relative_to(start) else run
        mode = ", frozen" if session.options.frozen else ""
        lacking = [] if config.option.collectonly else session.judge.lacking()
        without = f" without {'; '.join(lacking)}" if lacking else ""
        return (
            f"kernelfalcon: author {','.join(session.options.author)}, platform {session.judge.platform}, "
            f"device {session.judge.device}, "
            f"sandbox {session.options.sandbox}{without}{mode}, run {place}"
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_report_teststatus"""
        if report.when != "call" or report.failed:
            return None
        return STATUS.get(dict(report.user_properties).get(STATE, ""))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish"""
        run, config = self.session.run, session.config
        if is_worker(config) or config.option.collectonly:
            return
        if run.events.exists():
            self.session.events.add("finish", exitstatus=int(exitstatus))
        self.report = digest.report(run.run_id, events.read(run.events))
        if run.path.is_dir():
            digest.write_summaries(run, self.report)
        if self.session.options.json is not None:
            files.write_json(self.session.options.json, self.report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        if self.report is None or not self.report["problems"]:
            return
        terminalreporter.write_sep("=", "kernelfalcon")
        for line in _table([COLUMNS, *map(_row, self.report["problems"])]):
            terminalreporter.write_line(line)
        for problem in self.report["problems"]:
            if problem["outcome"] not in (*digest.KERNEL, None):
                terminalreporter.write_line("")
                terminalreporter.write_line("\n".join(self._without_kernel(problem)))

    def _without_kernel(self, problem: dict[str, Any]) -> Iterator[str]:
        place = f"{problem['shown']}:{problem['line']}" if problem["line"] else problem["shown"]
        cause = f" ({problem['cause']})" if problem["cause"] else ""
        text = problem["message"].strip().splitlines()
        if problem["outcome"] == "judge_error":
            text = text[-1:]  # of a traceback
        yield f"{place}: {problem['outcome']}{cause}: {' '.join(text)}"
        frozen = problem["mode"] == "frozen"
        options, shown = self.session.options, problem["shown"]
        yield f"  again: {options.regenerate(shown) if frozen else options.command(shown)}"


def _row(problem: dict[str, Any]) -> tuple[str, ...]:
    subgraphs = problem["subgraphs"]
    verdicts = [subgraph["verdict"] for subgraph in subgraphs if subgraph["verdict"]]
    right = [verdict["worst"] for verdict in verdicts if verdict["outcome"] in digest.KERNEL and verdict["worst"]]
    ratios = [worst["error_over_eager"] for worst in right]
    return (
        problem["shown"],
        problem["outcome"] or "not decided",
        str(len(subgraphs) or NONE),
        ", ".join(dict.fromkeys(map(_winner, subgraphs))) or NONE,
        str(sum(subgraph["rounds"] for subgraph in subgraphs) or NONE),
        str(sum(verdict["cases"] for verdict in verdicts) or NONE),
        ", ".join(map(error_over_eager, ratios)) or NONE,
        f"{problem['seconds']:.1f} s",
    )


def _winner(subgraph: dict[str, Any]) -> str:
    if subgraph["outcome"] not in digest.KERNEL:
        return NONE
    if subgraph["seed"] is None:
        return "kept"
    return f"{subgraph['author']} seed[{subgraph['seed']}] round {subgraph['round']}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
