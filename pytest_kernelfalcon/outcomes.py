"""The outcomes that only seeds have, in pytest's places: letter and word, the extra summary of `-r`, JUnit.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_kernelfalcon.fixtures import STATE
from pytest_kernelfalcon.workers import is_worker

STATUS = {
    "won": ("won", "W", "WON"),
    "won_earlier": ("won", "W", "WON (found by an earlier run)"),
    "lost": ("lost", "L", "LOST"),
    "cancelled": ("cancelled", "C", "CANCELLED"),
}
"""pytest's category, letter and word for the states that pytest does not have. None of them changes the exit code."""
SHOWN = {"W": "won", "L": "lost", "C": "cancelled"}
"""The characters of `-r`; pytest's own leave these free."""
SKIPS = ("lost", "cancelled")
"""The states that are skips to pytest."""
ALL_BUT_PASSED, ALL, NOTHING = "a", "A", "N"


def state(report: pytest.CollectReport | pytest.TestReport) -> str:
    """How the item ended, or empty for what is no item of ours."""
    return str(dict(report.user_properties).get(STATE, ""))


class Outcomes:
    """Registered under `--kernelfalcon` only."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_report_teststatus"""
        if report.when != "call" or report.failed:
            return None
        return STATUS.get(state(report))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        chosen = _chosen(config.getoption("reportchars"))
        lines = [line for category in chosen for line in _lines(category, terminalreporter.stats.get(category, []))]
        if lines:
            terminalreporter.write_sep("=", "seeds")
            for line in lines:
                terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        pytest has written its JUnit file by then.
        """
        path = session.config.getoption("xmlpath", default=None)
        if path is not None and not is_worker(session.config):
            _name_skips(session.config.invocation_params.dir / os.path.expanduser(os.path.expandvars(path)))


def _chosen(characters: str) -> list[str]:
    """The categories that `-r` asks for, read as pytest reads its own characters: `a`, `A` and `N` start again."""
    found: list[str] = []
    for character in characters:
        if character == NOTHING:
            found = []
        elif character in (ALL_BUT_PASSED, ALL):
            found = [category for category in SHOWN.values() if character == ALL or category != "won"]
        elif SHOWN.get(character) not in (None, *found):
            found.append(SHOWN[character])
    return found


def _lines(category: str, reports: list[pytest.TestReport]) -> Iterator[str]:
    for report in reports:
        word = STATUS[state(report)][2]
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        yield f"{word} {report.nodeid}" + (f" - {' '.join(reason.split())}" if reason else "")


def _name_skips(path: Path) -> None:
    """Gives `<skipped>` of a seed its type: pytest writes `pytest.skip` for every one of them."""
    if not path.is_file():  # but a terminal or a pipe
        return
    tree = ET.parse(path)
    for case in tree.iter("testcase"):
        found = case.find(f"properties/property[@name='{STATE}']")
        skipped = case.find("skipped")
        if found is not None and skipped is not None and found.get("value") in SKIPS:
            skipped.set("type", f"{STATE}.{found.get('value')}")
    tree.write(path, encoding="utf-8", xml_declaration=True)
