"""A problem without a kept kernel: how its items end."""

from __future__ import annotations

import json

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, WRONG_AT_ACCEPT, FakeJudge, candidate

SEEDS = tuple(f"add.py::model::seed[{seed}]" for seed in range(2))
ACCEPT, COMPOSE = "add.py::model::accept", "add.py::compose"


@pytest.fixture(autouse=True)
def two_seeds(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")


def test_a_winner_is_accepted_composed_and_spares_its_siblings(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, GOOD)
    run = example.run("add.py")
    assert run.ret == 0
    assert run.ended == {SEEDS[0]: "WON", SEEDS[1]: "CANCELLED", ACCEPT: "PASSED", COMPOSE: "PASSED"}
    assert run.texts[SEEDS[1]] == "Skipped: seed[0] won"
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "seed", "accept"], (
        "nothing is judged twice"
    )
    assert judge.closed


def test_a_seed_that_loses_is_no_failure_when_another_wins(example: Example) -> None:
    example.script(BAD, seed=0)
    example.script(BAD, GOOD, seed=1)
    run = example.run("add.py", "-q")
    assert run.ret == 0
    assert [run.ended[seed] for seed in SEEDS] == ["LOST", "WON"]
    assert run.texts[SEEDS[0]] == "Skipped: 1 round without a kernel; the last: refused: output 0 is too far off"
    assert "2 passed, 1 lost, 1 won" in run.output


def test_without_a_kernel_accept_tells_everything_and_compose_one_line(example: Example) -> None:
    example.script(BAD)
    run = example.run("add.py", "--kernelfalcon-rounds=1")
    assert run.ret == 1
    assert run.ended == {SEEDS[0]: "LOST", SEEDS[1]: "LOST", ACCEPT: "FAILED", COMPOSE: "FAILED"}
    for seed in range(2):
        assert (
            f"seed[{seed}] lost: 1 round without a kernel; the last: refused: output 0 is too far" in run.texts[ACCEPT]
        )
    assert "  >    1 | # seed=refused" in run.texts[ACCEPT], "the line of the candidate is shown"
    assert "1.25 times eager's error" in run.texts[ACCEPT]
    assert run.texts[COMPOSE].count("\n") == 0
    assert "no seed found a kernel: 1 round without a kernel" in run.texts[COMPOSE]
    assert "Traceback" not in run.output
    assert (run.problem()["outcome"], run.problem()["cause"]) == ("no_kernel", "unsolved")


def test_operations_that_nothing_could_place_are_named(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cookbook:
        name = "cookbook"

        def propose(self, *_: object) -> object:
            from pytest_kernelfalcon.generator.author import Exhausted

            return Exhausted("no recipe fits", ("aten.mm.default", "aten.sort.default"))

    monkeypatch.setattr("pytest_kernelfalcon.generator.registry.resolve", lambda *_: Cookbook())
    run = example.run("add.py")
    assert "operations that nothing could place: aten.mm.default, aten.sort.default" in run.texts[ACCEPT]
    assert run.problem()["cause"] == "exhausted"
    assert run.problem()["subgraphs"][0]["missing"] == ["aten.mm.default", "aten.sort.default"]


def test_a_winner_that_accept_refuses_makes_room_for_another_seed(example: Example, judge: FakeJudge) -> None:
    example.script(WRONG_AT_ACCEPT, seed=0)
    example.script(GOOD, seed=1)
    run = example.run("add.py")
    assert run.ended == {SEEDS[0]: "WON", SEEDS[1]: "CANCELLED", ACCEPT: "PASSED", COMPOSE: "PASSED"}
    assert run.problem()["subgraphs"][0]["seed"] == 1
    later = example.run("add.py")
    assert later.problem()["subgraphs"][0]["seed"] == 1, "the refused winner is not what a later run goes on with"


def test_a_winner_that_accept_refuses_and_no_other(example: Example) -> None:
    example.script(WRONG_AT_ACCEPT, seed=0)
    run = example.run("add.py")
    assert run.ended[ACCEPT] == run.ended[COMPOSE] == "FAILED"
    assert "seed[0] lost: refused at accept: output 0 is too far off" in run.texts[ACCEPT]
    assert "seed[1] exhausted" in run.texts[ACCEPT]
    assert not list(example.path.glob(".fuse/state/*/winner.json"))


def test_a_specialised_kernel_wins_when_nothing_is_accepted(example: Example) -> None:
    example.script(candidate("specialised", "specialised"), BAD)
    run = example.run("add.py")
    assert run.ended == {SEEDS[0]: "WON", SEEDS[1]: "WON", ACCEPT: "PASSED", COMPOSE: "PASSED"}
    assert run.report["totals"]["specialised"] == 1
    assert run.report["totals"]["accepted"] == 0


def test_an_accepted_kernel_goes_before_a_specialised_one(example: Example) -> None:
    example.script(candidate("accepted", "specialised", "zero"), seed=0)
    example.script(GOOD, seed=1)
    run = example.run("add.py")
    assert (run.problem()["outcome"], run.problem()["subgraphs"][0]["seed"]) == ("accepted", 1)


def test_a_search_that_the_judge_cannot_decide_fails_as_undecided(example: Example) -> None:
    example.script(candidate("undecided"))
    run = example.run("add.py")
    assert run.ended[ACCEPT] == run.ended[COMPOSE] == "FAILED"
    assert (run.problem()["outcome"], run.problem()["cause"]) == ("undecided", "not_runnable")


@pytest.mark.parametrize("gate", ["seed", "accept"])
def test_a_judge_that_fails_is_an_error_and_no_verdict(example: Example, gate: str) -> None:
    example.script(candidate(**{gate: "error"}))
    run = example.run("add.py")
    failing = {"seed": {*SEEDS, ACCEPT, COMPOSE}, "accept": {ACCEPT, COMPOSE}}[gate]
    assert {name for name, word in run.ended.items() if word == "ERROR"} == failing
    assert "FAILED" not in run.ended.values()
    assert run.texts[ACCEPT] == f"{ACCEPT}: the judge failed, which says nothing about a kernel: the executor died"
    assert run.problem()["outcome"] == "judge_error"


def test_a_later_run_goes_on_with_the_earlier_winner_and_judges_it_again(example: Example, judge: FakeJudge) -> None:
    example.script(BAD, GOOD)
    example.run("add.py", "-k", "seed")
    judge.asked.clear()
    run = example.run("add.py")
    assert run.ended == {SEEDS[0]: "WON (found by an earlier run)", SEEDS[1]: "CANCELLED", ACCEPT: "PASSED",
                         COMPOSE: "PASSED"}  # fmt: skip
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "accept"]
    assert run.texts[SEEDS[1]] == "Skipped: seed[0] won in an earlier run"


def test_another_authors_winner_is_not_taken(example: Example, judge: FakeJudge) -> None:
    example.script(GOOD)
    example.run("add.py")
    example.write("other/round0.py", candidate(name="other"))
    run = example.run("add.py", "--kernelfalcon-author=scripted/other")
    assert run.problem()["subgraphs"][0]["author"] == "scripted/other"
    assert run.ended[SEEDS[0]] == "WON"


def test_authors_are_asked_in_order(example: Example) -> None:
    example.write("first/round0.py", BAD)
    example.write("second/round1.py", GOOD)
    run = example.run("add.py", "--kernelfalcon-author=scripted/first, scripted/second")
    assert run.problem()["subgraphs"][0] | {"verdict": None} == {
        "id": "model", "outcome": "accepted", "cause": None, "message": "", "author": "scripted/second", "seed": 0,
        "round": 1, "rounds": 2, "restored": 0, "missing": [], "verdict": None, "cost": None, "seeds": [],
    }  # fmt: skip


def test_the_run_directory_holds_the_whole_search(example: Example) -> None:
    example.script(BAD, GOOD)
    run = example.run("add.py")
    folder = example.path / ".fuse" / run.report["run_id"]
    (problem,) = folder.glob("add-*")
    rounds = problem / "kernels_out" / "model" / "seed0"
    assert (rounds / "round0" / "candidate.py").read_text() == BAD
    assert json.loads((rounds / "round1" / "verdict.json").read_text())["outcome"] == "accepted"
    assert (problem / "compose_out" / "composed_kernel.py").read_text() == GOOD
    assert json.loads((problem / "compose_out" / "summary.json").read_text())["outcome"] == "accepted"
    assert json.loads((problem / "kernels_out" / "summary.json").read_text())["subgraphs"][0]["seed"] == 0
    (contract,) = json.loads((problem / "subgraphs.json").read_text())["contracts"]
    assert (contract["id"], contract["source"]["code"]) == ("model", PROBLEM)
    assert json.loads((folder / "summary.json").read_text()) == run.report
    assert (folder / "orchestrator" / "code.py.tgz").is_file()
    assert (example.path / ".fuse" / ".gitignore").read_text() == "*\n"
    others = {path.name for path in example.path.iterdir()} - {".fuse", ".pytest_cache", "report.json"}
    assert others == {"add.py", "tox.ini", "script"}, "nothing else is written"
