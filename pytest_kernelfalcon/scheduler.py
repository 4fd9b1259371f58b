"""The scheduler for `--dist load`: each worker has one item of ours, the one that brings the run on most now.

A worker of pytest-xdist begins an item only when it knows the one after it. So each is sent `[item, idle]`, where idle
is a hidden item that does nothing (see idle.py): the worker begins the real one at once and holds nothing real that
another worker could run. That makes "send it when what it needs is done" possible; xdist's own schedulers commit two
items or more to a busy worker.

PYTEST_DONT_REWRITE: nothing here asserts.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import parse_tx_spec_config

from pytest_kernelfalcon import idle
from pytest_kernelfalcon.agenda import Agenda
from pytest_kernelfalcon.fixtures import STATE

OVER = ("won", "won_earlier", "cancelled")
"""States of a seed that end its race: it won, or was told that another had, or that nothing is to be won."""
SHARE, FEWEST = 4, 2
"""Of the tests of the user's that are left, a worker gets a quarter of its share at a time, as with xdist's own."""


class RaceScheduling:
    """https://github.com/pytest-dev/pytest-xdist/blob/v3.8.0/src/xdist/scheduler/protocol.py

    Also a plugin of the controller, which hears of winners and keeps the hidden item out of what is shown.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        self.config, self.log = config, log
        self.numnodes = len(parse_tx_spec_config(config))
        self.agenda: Agenda | None = None
        self.mismatch = False
        self._collections: dict[Any, list[str]] = {}
        self._queues: dict[Any, list[int]] = {}
        self._gone: set[Any] = set()
        self._begun: set[str] = set()
        self._ended: set[str] = set()

    @property
    def nodes(self) -> list[Any]:
        return list(self._queues)

    @property
    def collection_is_completed(self) -> bool:
        return self.agenda is not None or len(self._collections) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        return self.mismatch or (self.agenda is not None and not self.has_pending)

    @property
    def has_pending(self) -> bool:
        return (self.agenda is not None and not self.agenda.empty) or any(self._queues.values())

    def add_node(self, node: Any) -> None:
        self._queues[node] = []

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        self._collections[node] = list(collection)
        if self.agenda is not None:  # it stands in for a worker that died
            self._compare(node, self.agenda.nodeids, "the workers before it")

    def schedule(self) -> None:
        """All workers have collected, or one that stands in for another has."""
        if self.agenda is None:
            (first, collection), *others = self._collections.items()
            for node, _ in others:
                self._compare(node, collection, first.gateway.id)
            if self.mismatch:
                return
            self.agenda = Agenda(collection)
        self._assign()

    def _compare(self, node: Any, collection: Sequence[str], name: str) -> None:
        """A worker that collected other items gets none, and fails the run; it ends where nobody else can go on."""
        difference = report_collection_diff(collection, self._collections[node], name, node.gateway.id)
        if difference is None:
            return
        del self._collections[node]
        report = pytest.CollectReport(node.gateway.id, "failed", longrepr=difference, result=[])
        self.config.hook.pytest_collectreport(report=report)
        self.mismatch = self.agenda is None or not any(self._collections.get(other) for other in self._queues)

    def _assign(self) -> None:
        if self.agenda is None:
            return
        for node, queue in self._queues.items():
            if queue or node in self._gone or node not in self._collections or node.shutting_down:
                continue
            batch = self.agenda.take(self._most(self.agenda))
            if not batch:
                return
            self._send(node, batch, self.agenda)

    def _most(self, agenda: Agenda) -> int:
        """How many of the user's tests go to a worker at a time: fewer, the fewer are left."""
        most = agenda.ordinary() // (SHARE * len(self._queues))
        return min(max(most, FEWEST), self.config.getoption("maxschedchunk") or sys.maxsize)

    def _send(self, node: Any, batch: list[int], agenda: Agenda) -> None:
        try:
            node.send_runtest_some([*batch, len(self._collections[node])])
        except OSError:  # it has died, and xdist will say so
            self._gone.add(node)
            agenda.give_back(*batch)
        else:
            self._queues[node] += batch

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        if self.agenda is not None and item_index in self._queues[node]:  # and not idle
            self._queues[node].remove(item_index)
            self.agenda.ended(item_index)
            self._assign()

    def mark_test_pending(self, item: str) -> None:
        """For plugins that have an item run again whose worker died."""
        if self.agenda is not None:
            self.agenda.give_back(self.agenda.nodeids.index(item), ended=True)
            self._assign()

    def remove_pending_tests_from_node(self, node: Any, indices: Sequence[int]) -> None:
        """A worker gave items back that it was asked for; this scheduler asks none."""
        if self.agenda is not None:
            for index in indices:
                self._queues[node].remove(index)
            self.agenda.give_back(*indices)
            self._assign()

    def remove_node(self, node: Any) -> str | None:
        """The item that the worker was at, where it died in one."""
        queue = self._queues.pop(node)
        if self.agenda is None:
            self._collections.pop(node, None)
            return None
        at = self.agenda.nodeids[queue[0]] if queue else ""
        if at in self._begun:
            self.agenda.ended(queue.pop(0))
        self.agenda.give_back(*queue)
        self._assign()
        return at if at in self._begun and at not in self._ended else None

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Nobody else sees the hidden item, which is the last one: xdist counts and shows what this leaves."""
        if ids and ids[-1] == idle.NODE_ID:
            ids.pop()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logstart"""
        self._begun.add(nodeid)
        self._ended.discard(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logfinish"""
        self._ended.add(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_runtest_logreport"""
        if self.agenda is not None and report.when == "call" and dict(report.user_properties).get(STATE) in OVER:
            self.agenda.won(report.nodeid)
            self._assign()
