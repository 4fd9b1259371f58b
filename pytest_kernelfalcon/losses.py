"""What workers of pytest-xdist take with them when they die: no race hangs on one seed, and nothing is lost in silence.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kernelfalcon.agenda import read
from pytest_kernelfalcon.fixtures import STATE

SHOWN = 3
"""How many of the items that were not run are named."""


class Losses:
    """The controller's part; without workers it does nothing. `--dist` may be any."""

    def __init__(self) -> None:
        self._wanted: dict[str, None] = {}
        self._ended: set[str] = set()
        self._lost: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """https://github.com/pytest-dev/pytest-xdist/blob/v3.8.0/src/xdist/newhooks.py"""
        self._wanted.update(dict.fromkeys(ids))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logfinish"""
        self._ended.add(nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A seed never fails: others may win."""
        self._ended.add(crashitem)
        step = read(crashitem)
        if step is not None and step.kind == "seed":
            report.when, report.outcome = "call", "skipped"
            report.longrepr = (step.problem, 1, f"Skipped: {report.longrepr}")
            report.user_properties.append((STATE, "lost"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        xdist may end with 0 where the last worker died: what was not run has failed. Not where the run was stopped.
        """
        if session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        self._lost = [nodeid for nodeid in self._wanted if nodeid not in self._ended]
        if self._lost:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary"""
        if self._lost:
            more = f" and {len(self._lost) - SHOWN} more" if len(self._lost) > SHOWN else ""
            were = "1 item was" if len(self._lost) == 1 else f"{len(self._lost)} items were"
            terminalreporter.write_line(
                f"kernelfalcon: {were} not run, as the workers ended before: {', '.join(self._lost[:SHOWN])}{more}"
            )
