"""Options that only show something write nothing and start no judge; --durations shows the work where it is done."""

from __future__ import annotations

import re
import time

import pytest

from tests.conftest import Example
from tests.plugin.conftest import GOOD, FakeJudge, candidate


@pytest.fixture(autouse=True)
def two_seeds(example: Example, judge: FakeJudge) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    example.script(GOOD)
    example.problem("level1/7_add.py")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--collect-only",), ("--setup-only",), ("--setup-plan",), ("--fixtures",), ("--fixtures-per-test",),
        ("--markers",), ("--help",), ("--cache-show",),
    ],
)  # fmt: skip
def test_what_only_shows_does_nothing_else(example: Example, judge: FakeJudge, arguments: tuple[str, ...]) -> None:
    run = example.run(*arguments, "level1")
    assert run.ret == 0, run.output
    assert judge.asked == []
    assert not (example.path / ".fuse").exists()
    assert not (example.path / "report.json").exists()


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        ("-q", ["level1/7_add.py::model::seed[0]", "level1/7_add.py::model::seed[1]", "level1/7_add.py::model::accept",
                "level1/7_add.py::compose"]),
        ("-qq", ["level1/7_add.py: 4"]),
    ],
)  # fmt: skip
def test_the_short_list(example: Example, quiet: str, expected: list[str]) -> None:
    lines = example.run("--co", "-q", quiet, "level1").output.splitlines()
    assert [line for line in lines if line.startswith("level1")] == expected


def test_the_plan_of_the_setup_names_every_item(example: Example) -> None:
    output = example.run("--setup-plan", "level1").output
    for item in ("model::seed[0]", "model::seed[1]", "model::accept", "compose"):
        assert re.search(rf"level1/7_add\.py::{re.escape(item)} \(fixtures used: .*kernelfalcon_work", output)
    assert "SETUP    F kernelfalcon_work[1]" in output


def test_showing_the_setup_runs_all_the_same(example: Example) -> None:
    run = example.run("--setup-show", "level1")
    assert "SETUP    F kernelfalcon_work[0]" in run.output
    assert run.problem()["outcome"] == "accepted"


def test_markers_and_options_are_explained(example: Example) -> None:
    markers = example.run("--markers").output
    for name in ("kernelfalcon_item(number, kept)", "kernelfalcon_seed(number)", "kernelfalcon_accept",
                 "kernelfalcon_compose", "level(n)"):  # fmt: skip
        assert f"@pytest.mark.{name}: " in markers
    assert "--kernelfalcon-author=NAME" in example.run("--help").output


def test_the_work_is_done_in_the_call(example: Example, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = judge.judge

    def slow(*arguments: object) -> object:
        time.sleep(0.05)
        return judged(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "judge", slow)
    output = example.run("level1", "--durations=2", "--durations-min=0.05").output
    lines = re.findall(r"^[\d.]+s (\w+) +(\S+)$", output, re.MULTILINE)
    assert sorted(lines) == [("call", "level1/7_add.py::model::accept"), ("call", "level1/7_add.py::model::seed[0]")]


def test_a_judge_that_fails_in_the_call_is_an_error(example: Example) -> None:
    example.script(candidate("error"))
    run = example.run("level1", "-k", "accept")
    assert run.ended == {"level1/7_add.py::model::accept": "ERROR"}
    assert " 1 error in " in run.output
    assert re.search(r"^ERROR level1/7_add\.py::model::accept - Failed: level1/7_add", run.output, re.MULTILINE)
    assert "FAILED" not in run.output


def test_clearing_pytests_cache_leaves_what_earlier_runs_found(example: Example, judge: FakeJudge) -> None:
    example.run("level1", "-k", "seed")
    judge.asked.clear()
    run = example.run("level1", "--cache-clear")
    assert run.ended["level1/7_add.py::model::seed[0]"] == "WON (found by an earlier run)"
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "accept"]


@pytest.mark.parametrize("plugin", ["cacheprovider", "junitxml", "xdist", "stepwise", "doctest", "logging"])
def test_no_plugin_of_pytests_is_needed(example: Example, judge: FakeJudge, plugin: str) -> None:
    run = example.run("level1", "-p", f"no:{plugin}")
    assert (run.ret, run.problem()["outcome"]) == (0, "accepted"), run.output


@pytest.mark.parametrize("how", ["-pno:python", "conftest"])
def test_an_item_that_nothing_runs_does_not_pass(example: Example, how: str) -> None:
    if how == "conftest":
        example.write("conftest.py", "def pytest_pyfunc_call():\n    return True\n")
    run = example.run("level1", *([how] if how.startswith("-") else []))
    assert set(run.ended.values()) == {"ERROR"}
    assert run.ret == 1
    assert run.texts["level1/7_add.py::compose"].startswith("level1/7_add.py::compose: nothing was judged, as no")


def test_fewer_lines_and_no_colours(example: Example) -> None:
    for arguments in (
        ("--no-summary",),
        ("--no-header", "-q", "-q"),
        ("--tb=no",),
        ("--capture=no",),
        ("--assert=plain",),
    ):
        assert example.run("level1", *arguments).ret == 0
