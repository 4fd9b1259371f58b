"""Options that stop, go on and order: -x, --maxfail, --sw, --nf, --pdb; and plugins that shuffle or drop items."""

from __future__ import annotations

import os

import pytest

from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate
from tests.plugin.test_stopping import spawn

HOPELESS = "# kernels=refused\n"
ITEMS = ["model::seed[0]", "model::seed[1]", "model::accept", "compose"]
SHUFFLES = """
import random

def pytest_collection_modifyitems(items):
    random.Random({seed}).shuffle(items)
"""
DROPS = """
def pytest_collection_modifyitems(config, items):
    dropped = [item for item in items if "{name}" in item.name]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)
"""
AUTOUSE = """
import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    with open(request.config.rootpath / "torn_down", "a") as file:
        print(request.node.name, request.function.__name__, file=file)


@pytest.fixture(autouse=True, scope="class")
def of_the_class(request):
    yield request.cls


@pytest.fixture(autouse=True, scope="module")
def of_the_module(request):
    assert request.module.__file__
"""


@pytest.fixture(autouse=True)
def two_seeds(example: Example, judge: FakeJudge) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    example.script(GOOD)


def problems(example: Example, **says: str) -> None:
    for name, text in says.items():
        example.problem(f"{name}.py", PROBLEM + text)


def order(run: Run) -> list[str]:
    """The items in the order in which they ended, as `a seed[0]`."""
    return [f"{nodeid.partition('.py')[0]} {nodeid.split('::')[-1]}" for nodeid in run.ended]


def whole(name: str) -> list[str]:
    return [f"{name} {item.split('::')[-1]}" for item in ITEMS]


def test_a_run_stops_at_the_first_failure_but_not_at_a_lost_seed(example: Example) -> None:
    problems(example, a=HOPELESS, b="")
    run = example.run(".", "-x")
    assert order(run) == whole("a")[:3]
    assert "stopping after 1 failures" in run.output
    assert [problem["outcome"] for problem in run.report["problems"]] == ["no_kernel", None]
    assert run.ret == 1


def test_a_run_stops_at_as_many_failures_as_were_said(example: Example) -> None:
    problems(example, a=HOPELESS, b="", c=HOPELESS, d="")
    assert order(example.run(".", "--maxfail=2")) == whole("a")
    assert order(example.run(".", "--maxfail=3")) == [*whole("a"), *whole("b"), *whole("c")[:3]]


def test_stepwise_stops_at_a_failure_and_goes_on_there(example: Example) -> None:
    problems(example, a="", b=HOPELESS, c="")
    assert order(example.run(".", "--sw")) == [*whole("a"), *whole("b")[:3]]
    again = example.run(".", "--sw")
    assert order(again) == ["b accept"]
    assert "skipping 6 already passed items" in again.output
    skipping = example.run(".", "--sw", "--sw-skip")
    assert order(skipping) == ["b accept", "b compose"]
    problems(example, b="")
    assert order(example.run(".", "--sw")) == ["b compose", *whole("c")]
    assert order(example.run(".", "--sw", "--sw-reset")) == [*whole("a"), *whole("b"), *whole("c")]


def test_new_problems_come_first(example: Example) -> None:
    problems(example, a="", b="")
    for number, name in enumerate("ab"):
        os.utime(example.path / f"{name}.py", (1000 + number, 1000 + number))
    example.run(".")
    problems(example, c="")
    run = example.run(".", "--nf")
    assert order(run) == [*whole("c"), *whole("b"), *whole("a")]
    assert run.ret == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_items_end_as_in_order(example: Example, judge: FakeJudge, seed: int) -> None:
    problems(example, a="", b=HOPELESS, c="# inspect=broken\n")
    straight = example.run(".", "--kernelfalcon-fresh")
    judged = sorted(judge.asked)
    judge.asked.clear()
    example.write("conftest.py", SHUFFLES.format(seed=seed))
    shuffled = example.run(".", "--kernelfalcon-fresh")
    assert order(shuffled) != order(straight)
    for part in ("accept", "compose"):
        assert _words(shuffled, part) == _words(straight, part)
    assert (shuffled.ret, sorted(judge.asked)) == (1, judged), "nothing is judged twice"


def _words(run: Run, part: str) -> dict[str, str]:
    return {nodeid: word for nodeid, word in run.ended.items() if nodeid.endswith(part)}


@pytest.mark.parametrize("name", ["seed[1]", "seed", "accept", "compose"])
def test_items_that_the_user_drops_are_not_needed(example: Example, name: str) -> None:
    problems(example, a="")
    example.script(BAD, seed=0)
    example.write("conftest.py", DROPS.format(name=name))
    run = example.run(".")
    assert (run.ret, run.problem()["outcome"]) == (0, "accepted")
    assert run.problem()["subgraphs"][0]["seed"] == 1, "whoever needs it does the dropped seed's work"


def test_the_users_fixtures_of_every_scope_are_set_up_and_torn_down(example: Example) -> None:
    problems(example, a="")
    example.write("conftest.py", AUTOUSE)
    example.write("test_user.py", "def test_user(): pass\n")
    run = example.run(".", "--kernelfalcon-update", "-p", "no:randomly")
    assert run.ret == 0, run.output
    assert (example.path / "__kernels__" / "a.py").read_text() == GOOD
    lines = (example.path / "torn_down").read_text().splitlines()
    assert lines == ["seed[0] seed", "seed[1] seed", "accept accept", "compose step", "test_user test_user"]


def test_a_fixture_with_parameters_for_every_test_repeats_items_and_no_work(example: Example, judge: FakeJudge) -> None:
    problems(example, a="")
    example.write("conftest.py", "import pytest\n@pytest.fixture(autouse=True, params='xy')\ndef mine(request): ...\n")
    run = example.run(".")
    assert (run.ret, len(run.ended), run.problem()["outcome"]) == (0, 8, "accepted"), run.output
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "accept"]
    listed = example.run(".", "--collect-only", "-q", "-q", "-m", "kernelfalcon_seed(number=1)").output
    assert len([line for line in listed.splitlines() if "::" in line]) == 2


def debugged(example: Example, *arguments: str) -> str:
    """The output of a run whose input ends at once: pdb leaves then, and so does the run."""
    output, _ = spawn(example, *arguments).communicate(timeout=100)
    return output


def test_the_debugger_opens_where_an_item_fails_and_nowhere_else(example: Example) -> None:
    problems(example, a="", b=HOPELESS)
    output = debugged(example, "a.py", "b.py", "--pdb")
    assert output.count("entering PDB") == 1
    assert "b.py::model::seed[1] LOST" in output
    assert output.index("b.py::model::accept FAILED") < output.index("entering PDB")
    assert "no kernel for `model`" in output
    assert "Quitting debugger" in output


def test_the_debugger_opens_where_the_judge_fails(example: Example) -> None:
    problems(example, a="")
    example.script(candidate("error"))
    output = debugged(example, "a.py", "--pdb")
    assert output.count("entering PDB") == 1
    assert "a.py::model::seed[0] ERROR" in output
