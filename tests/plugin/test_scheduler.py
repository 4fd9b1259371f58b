"""The scheduler, as pytest-xdist's controller drives it: who gets what, and what happens when workers die."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_kernelfalcon.idle import NODE_ID
from pytest_kernelfalcon.scheduler import RaceScheduling

ONE = [f"a.py::model::{step}" for step in ("seed[0]", "seed[1]", "accept")] + ["a.py::compose"]
TWO = [name.replace("a.py", "b.py") for name in ONE]
USERS = [f"test_users.py::test_{number}" for number in range(12)]


class Node:
    """A worker as the controller sees it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.closed = False
        self.sent: list[list[int]] = []
        self.held: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        if self.closed:
            raise OSError("cannot send (already closed?)")
        self.sent.append(indices)
        self.held += indices[:-1]


class Controlled:
    """A scheduler with workers that have collected; `different` is what the last of them found."""

    def __init__(self, collection: list[str], workers: int, different: list[str] | None = None, **options: Any) -> None:
        self.collection = collection
        self.reported: list[pytest.CollectReport] = []
        known = {"tx": ["popen"] * workers, "maxschedchunk": None} | options
        hook = SimpleNamespace(pytest_collectreport=lambda report: self.reported.append(report))
        config: Any = SimpleNamespace(getoption=known.__getitem__, getvalue=known.__getitem__, hook=hook)
        self.scheduler = RaceScheduling(config, None)
        self.nodes = [self.join(f"gw{number}") for number in range(workers - 1)]
        self.nodes.append(self.join(f"gw{workers - 1}", different))

    def join(self, name: str, collection: list[str] | None = None) -> Node:
        node, ids = Node(name), [*(self.collection if collection is None else collection), NODE_ID]
        self.scheduler.add_node(node)
        self.scheduler.pytest_xdist_node_collection_finished(node, ids)
        assert NODE_ID not in ids
        self.scheduler.add_node_collection(node, ids)
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()
        return node

    def at(self, node: Node) -> list[str]:
        """What a worker has to run."""
        assert node.sent[-1][-1] == len(self.collection), "the hidden item comes last"
        return [self.collection[index] for index in node.held]

    def begin(self, node: Node) -> None:
        self.scheduler.pytest_runtest_logstart(self.at(node)[0])

    def end(self, node: Node, state: str = "lost") -> None:
        """The worker ends what it has to run."""
        names, node.held = self.at(node), []
        for name in names:
            report: Any = SimpleNamespace(nodeid=name, when="call", user_properties=[("kernelfalcon", state)])
            self.scheduler.pytest_runtest_logstart(name)
            self.scheduler.pytest_runtest_logreport(report)
            self.scheduler.pytest_runtest_logfinish(name)
            self.scheduler.mark_test_complete(node, self.collection.index(name))

    def crash(self, node: Node) -> str | None:
        return self.scheduler.remove_node(node)


def test_a_worker_is_sent_one_item_of_ours_and_never_its_next_one() -> None:
    run = Controlled(ONE, 1)
    (node,) = run.nodes
    assert run.at(node) == ["a.py::model::seed[0]"]
    assert len(node.sent) == 1
    run.scheduler.mark_test_complete(node, len(ONE))  # of the hidden item, which it was at before
    assert len(node.sent) == 1


def test_races_are_run_side_by_side_before_their_further_seeds() -> None:
    run = Controlled([*ONE, *TWO], 3)
    assert [run.at(node) for node in run.nodes] == [
        ["a.py::model::seed[0]"], ["b.py::model::seed[0]"], ["a.py::model::seed[1]"],
    ]  # fmt: skip


def test_what_only_waited_for_a_winner_comes_first() -> None:
    run = Controlled([*ONE, *TWO], 1)
    (node,) = run.nodes
    order = []
    for _ in range(8):
        order += run.at(node)
        run.end(node, "won" if order[-1] == "a.py::model::seed[0]" else "cancelled")
    assert order == [
        "a.py::model::seed[0]", "a.py::model::seed[1]", "a.py::model::accept", "a.py::compose",
        "b.py::model::seed[0]", "b.py::model::seed[1]", "b.py::model::accept", "b.py::compose",
    ]  # fmt: skip
    assert run.scheduler.tests_finished


def test_nobody_waits_inside_an_accept_that_another_item_has_to_make_possible() -> None:
    run = Controlled(ONE, 3)
    first, second, third = run.nodes
    assert third.sent == []
    run.end(first)
    assert third.sent == [], "one seed is still running, and nothing is won"
    run.end(second)
    assert run.at(first) == ["a.py::model::accept"]
    assert not run.scheduler.tests_finished
    run.end(first, "failed")
    assert [node.sent[-1][0] for node in run.nodes if len(node.sent[-1:])].count(3) == 1, "compose, once"


@pytest.mark.parametrize("kept", [["a.py::model::accept", "a.py::compose"], ["a.py::compose"], ["a.py::problem"]])
def test_problems_without_seeds_are_run(kept: list[str]) -> None:
    run = Controlled(kept, 1)
    for name in kept:
        assert run.at(run.nodes[0]) == [name]
        run.end(run.nodes[0], "won")
    assert run.scheduler.tests_finished


def test_tests_of_the_user_come_before_races_and_fewer_at_a_time_towards_the_end() -> None:
    run = Controlled([*ONE, *USERS], 1)
    (node,) = run.nodes
    sizes = []
    for _ in range(10):
        sizes.append(len(run.at(node)))
        run.end(node, "won")
    assert sizes == [3, 2, 2, 2, 2, 1, 1, 1, 1, 1]


def test_a_users_bound_on_what_is_sent_at_a_time_holds() -> None:
    run = Controlled(USERS, 1, maxschedchunk=1)
    assert run.at(run.nodes[0]) == USERS[:1]


def test_a_worker_that_dies_takes_the_item_with_it_that_it_was_at() -> None:
    run = Controlled([*USERS, *ONE], 2)
    first, second = run.nodes
    held = run.at(first)
    run.begin(first)
    assert run.crash(first) == held[0]
    run.end(second, "won")
    assert run.at(second)[0] == held[1], "what it had not begun is run first"


def test_a_worker_that_dies_before_its_item_takes_none() -> None:
    run = Controlled(ONE, 1)
    assert run.crash(run.nodes[0]) is None
    assert not run.scheduler.tests_finished
    assert run.at(run.join("gw1")) == ["a.py::model::seed[0]"]


def test_the_last_item_is_not_lost_with_a_worker_that_did_not_begin_it() -> None:
    run = Controlled(ONE[-1:], 1)
    assert run.crash(run.nodes[0]) is None
    assert not run.scheduler.tests_finished
    assert run.at(run.join("gw1")) == ["a.py::compose"]


def test_a_worker_that_dies_behind_its_item_takes_none() -> None:
    run = Controlled(ONE, 1)
    run.begin(run.nodes[0])
    run.scheduler.pytest_runtest_logfinish(ONE[0])
    assert run.crash(run.nodes[0]) is None
    assert run.at(run.join("gw1")) == ["a.py::model::seed[1]"], "it has ended"


def test_a_worker_that_is_dead_but_not_yet_known_to_be_is_sent_nothing_that_is_lost() -> None:
    run = Controlled(ONE, 2)
    first, second = run.nodes
    first.closed = True
    run.end(first)
    assert run.crash(first) is None
    run.end(second)
    assert run.at(second) == ["a.py::model::accept"]


def test_an_item_can_be_run_again_after_a_crash() -> None:
    run = Controlled(ONE, 2)
    first, second = run.nodes
    run.begin(first)
    crashed = run.crash(first)
    assert crashed is not None
    run.scheduler.mark_test_pending(crashed)
    run.end(second)
    assert run.at(second) == ["a.py::model::seed[0]"]
    run.end(second)
    assert run.at(second) == ["a.py::model::accept"]


def test_what_a_worker_gives_back_is_run() -> None:
    run = Controlled(ONE, 1)
    (node,) = run.nodes
    run.scheduler.remove_pending_tests_from_node(node, [0])
    assert node.sent == [[0, len(ONE)], [0, len(ONE)]]


def test_a_worker_that_ends_is_sent_nothing() -> None:
    run = Controlled(ONE, 1)
    run.nodes[0].shutting_down = True
    run.end(run.nodes[0])
    assert len(run.nodes[0].sent) == 1


def test_workers_that_collected_different_items_end_the_run() -> None:
    run = Controlled(ONE, 2, different=TWO)
    assert run.scheduler.tests_finished
    (report,) = run.reported
    assert "Different tests were collected between gw0 and gw1" in str(report.longrepr)


def test_a_stand_in_that_collected_different_items_gets_none_and_does_not_hold_up_the_run() -> None:
    run = Controlled(ONE, 2)
    first, second = run.nodes
    run.crash(first)
    assert run.join("gw2", TWO).sent == []
    assert len(run.reported) == 1
    assert not run.scheduler.tests_finished, "the other worker goes on"
    run.crash(second)
    run.join("gw3", TWO)
    assert run.scheduler.tests_finished, "nobody is left who could"


def test_nothing_to_run_is_an_end() -> None:
    run = Controlled([], 2)
    assert run.scheduler.tests_finished


@pytest.mark.parametrize("seed", range(40))
def test_whatever_workers_die_when_each_item_is_run_once(seed: int) -> None:
    drawn = random.Random(seed)
    problems = [[name.replace("a.py", f"{number}.py") for name in ONE] for number in range(drawn.randint(1, 6))]
    run = Controlled(
        [*USERS[: drawn.randint(0, 12)], *(name for names in problems for name in names)], drawn.randint(1, 4)
    )
    ended: Counter[str] = Counter()
    for number in range(1000):
        if run.scheduler.tests_finished:
            break
        node = drawn.choice([node for node in run.nodes if node.held])
        if drawn.random() < 0.8:
            ended.update(run.at(node))
            run.end(node, drawn.choice(["won", "lost", "cancelled"]))
            continue
        begun = run.at(node)[:1] if drawn.random() < 0.5 else []
        for name in begun:
            run.scheduler.pytest_runtest_logstart(name)
        node.closed = True
        assert run.crash(node) == (begun[0] if begun else None)
        ended.update(begun)
        run.nodes[run.nodes.index(node)] = run.join(f"stand-in {number}")
    assert ended == Counter(run.collection)
