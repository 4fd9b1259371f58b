"""Items pull what they need: any of them, alone or in any order."""

from __future__ import annotations

import pytest

from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge

ONCE = ["start", "inspect", "seed", "seed", "accept"]
REVERSED = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"


@pytest.fixture(autouse=True)
def solvable(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(BAD, GOOD)


@pytest.mark.parametrize(
    "arguments", [("add.py", "-k", "accept"), ("add.py::model::accept",), ("add.py::compose",), (".", "-k", "compose")]
)
def test_one_item_alone_does_what_it_needs(example: Example, judge: FakeJudge, arguments: tuple[str, ...]) -> None:
    run = example.run(*arguments)
    assert list(run.ended.values()) == ["PASSED"]
    assert [gate for gate, _ in judge.asked] == ONCE
    assert run.problem()["outcome"] == "accepted"


def test_one_seed_alone_searches_and_decides_nothing(example: Example, judge: FakeJudge) -> None:
    run = example.run("add.py::model::seed[2]")
    assert run.ended == {"add.py::model::seed[2]": "WON"}
    assert run.problem()["outcome"] is None
    assert "not decided" in run.output


def test_the_reversed_order_ends_alike_and_judges_nothing_twice(example: Example, judge: FakeJudge) -> None:
    example.write("conftest.py", REVERSED)
    run = example.run("add.py", "--kernelfalcon-seeds=2")
    assert list(run.ended.items()) == [
        ("add.py::compose", "PASSED"), ("add.py::model::accept", "PASSED"),
        ("add.py::model::seed[1]", "CANCELLED"), ("add.py::model::seed[0]", "WON"),
    ]  # fmt: skip
    assert [gate for gate, _ in judge.asked] == ONCE


def test_a_failure_is_the_same_in_any_order(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, BAD)
    forward = example.run("add.py", "--kernelfalcon-seeds=2", "--kernelfalcon-rounds=2")
    example.write("conftest.py", REVERSED)
    backward = example.run("add.py", "--kernelfalcon-seeds=2", "--kernelfalcon-rounds=2", "--kernelfalcon-fresh")
    assert forward.ended == backward.ended
    assert forward.texts["add.py::compose"] == backward.texts["add.py::compose"]


def test_the_cache_of_pytest_is_not_needed(example: Example) -> None:
    assert example.run("add.py", "-p", "no:cacheprovider").ret == 0
