"""What `--lf` and `--ff` bring back: the work that is missing, and not only the items that failed.

pytest notes the items that failed. Of a problem these are `accept` and `compose`, and with them alone one worker
would have the whole search. So the subgraph of a missing `accept` is noted too, as pytest notes a module that could
not be collected: all that it holds is selected then, its seeds, too. And what a run was to decide and did not,
because it was stopped or killed or a worker died, is as missing as what failed.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_kernelfalcon.fuser import outline
from pytest_kernelfalcon.outcomes import state
from pytest_kernelfalcon.store import events
from pytest_kernelfalcon.store.rundir import RunDir
from pytest_kernelfalcon.workers import is_worker

CACHE = "cache/lastfailed"
"""Where pytest's cache has the node ids."""
PASSED, FAILED, DECIDED = "passed", "failed", ("passed", "skipped")
ACCEPT, COMPOSE = "::accept", "::compose"
WHOLE = (COMPOSE, "::problem")


class LastFailed:
    """Registered under `--kernelfalcon` only. Notes as the run goes on, so that one that is killed is missing, too."""

    def __init__(self, config: pytest.Config, run: RunDir) -> None:
        self.config, self.run = config, run
        self.selected: dict[str, dict[str, None]] = {}
        self.subgraphs: dict[str, list[str]] = {}
        self.ended: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_collection_finish"""
        self._select(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """What a worker of pytest-xdist has selected: the controller itself selects nothing."""
        self._select(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logreport"""
        if report.failed:
            self.ended[report.nodeid] = FAILED
        elif report.when == "call" or report.skipped:
            self.ended[report.nodeid] = state(report) or report.outcome  # without a state: skipped by the user
        if report.nodeid.endswith(WHOLE) or not self.subgraphs:
            self._note(again=_file(report.nodeid) not in self.subgraphs)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish

        pytest has noted what failed by then.
        """
        self._note(again=True)

    def _select(self, nodeids: Iterable[str]) -> None:
        for nodeid in nodeids:
            self.selected.setdefault(_file(nodeid), {})[nodeid] = None

    def _note(self, again: bool) -> None:
        """again: the record of the run may name more problems than it did."""
        if is_worker(self.config) or not self.config.pluginmanager.has_plugin("lfplugin"):
            return
        if again and self.run.events.exists():
            begun = [event for event in events.read(self.run.events) if event["event"] == "problem"]
            self.subgraphs = {event["problem"]: event["subgraphs"] for event in begun}
        if not self.subgraphs:
            return
        noted: dict[str, Any] = self.config.cache.get(CACHE, {})
        for file, subgraphs in self.subgraphs.items():
            names = [f"{file}::{name}" for name in subgraphs or [outline.WHOLE]]  # a guess, where it is no problem yet
            noted = Problem(file, names, self.selected.get(file, {}), self.ended).update(noted)
        self.config.cache.set(CACHE, noted)


@dataclass(frozen=True)
class Problem:
    """A problem in a run, by node ids. items: those selected. ended: how an item ended, if it did."""

    file: str
    subgraphs: Sequence[str]
    items: Collection[str]
    ended: Mapping[str, str]

    def update(self, noted: Mapping[str, Any]) -> dict[str, Any]:
        """What is noted after the run, of what was and of what pytest added."""
        done, missing = self._sorted()
        kept = {
            nodeid: value
            for nodeid, value in noted.items()
            if self.ended.get(nodeid) == FAILED or not any(_within(nodeid, node) for node in done)
        }
        return kept | dict.fromkeys(missing, True)

    def _sorted(self) -> tuple[list[str], list[str]]:
        """The nodes that are done, with all that they hold, and those that are missing."""
        whole = next((nodeid for nodeid in self.items if nodeid in (f"{self.file}{end}" for end in WHOLE)), None)
        if whole is not None and self.ended.get(whole) in DECIDED:
            return [self.file], []
        # without the whole, what was not selected is not known; with it, a subgraph is needed whatever was selected;
        # of a broken problem or an undecided kernel `accept` is skipped, too
        asked = [name for name in self.subgraphs if whole or name + ACCEPT in self.items]
        enough = (PASSED,) if whole else DECIDED
        done = [name for name in asked if self.ended.get(name + ACCEPT) in enough]
        missing = [name for name in asked if name not in done]
        return done, [self.file + COMPOSE, *missing] if whole else missing


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _within(nodeid: str, node: str) -> bool:
    """Whether it is the node or one in it."""
    return nodeid == node or nodeid.startswith(f"{node}::")
