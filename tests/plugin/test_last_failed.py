"""`--lf` after any end of a run: the work that is missing comes back, with the seeds that workers can share it by."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable

import pytest

from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import GOOD, FakeJudge, candidate
from tests.plugin.test_kept import keep
from tests.plugin.test_stopping import spawn, wait_for

SEEDS = {"model::seed[0]", "model::seed[1]"}
ALL = {*SEEDS, "model::accept", "compose"}
HOPELESS, FAILS, HANGS, BROKEN = (f"# kernels={word}\n" for word in ("refused", "error", "hang", "breaks"))
SYNTAX = "class Model(:\n"
WITHOUT_SEEDS = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "seed" not in item.name]
"""
DIES = """
import os, signal

def pytest_runtest_call(item):
    if item.name == "accept" and item.path.stem == "b":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def two_seeds(example: Example, judge: FakeJudge) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    example.script(GOOD)


def problems(example: Example, **says: str) -> None:
    """Problems by name, and what each says of the candidates for it."""
    for name, text in says.items():
        example.problem(f"{name}.py", text if text == SYNTAX else PROBLEM + text)


def items(run: Run) -> dict[str, set[str]]:
    """The items that ended, by problem."""
    return by_problem(run.ended)


def by_problem(nodeids: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for nodeid in nodeids:
        file, _, item = nodeid.partition(".py::")
        found.setdefault(file, set()).add(item)
    return found


def noted(example: Example) -> dict[str, bool]:
    """What pytest's cache holds for `--lf`."""
    return json.loads((example.path / ".pytest_cache/v/cache/lastfailed").read_text())


def selected(example: Example, *arguments: str) -> dict[str, set[str]]:
    """What `--lf` would run now."""
    output = example.run(".", "--lf", "--collect-only", "-q", "-q", *arguments).output
    return by_problem(line for line in output.splitlines() if "::" in line)


def test_a_failed_search_comes_back_whole_and_what_was_finished_does_not(example: Example, judge: FakeJudge) -> None:
    problems(example, a="", b=HOPELESS, c="")
    example.run(".")
    run = example.run(".", "--lf")
    assert items(run) == {"b": ALL}
    assert list(run.ended.values()) == ["LOST", "LOST", "FAILED", "FAILED"]
    assert [problem["shown"] for problem in run.report["problems"]] == ["b.py"]
    problems(example, b="")
    judge.asked.clear()
    fixed = example.run(".", "--lf")
    assert (fixed.ret, items(fixed)) == (0, {"b": ALL})
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "accept"]
    assert noted(example) == {}
    assert items(example.run(".", "--lf")) == {"a": ALL, "b": ALL, "c": ALL}, "nothing failed: all, as for tests"
    assert items(example.run(".", "--lf", "--lfnf=none")) == {}


def test_failed_first_puts_the_whole_search_first(example: Example) -> None:
    problems(example, a="", b=HOPELESS)
    example.run(".")
    run = example.run(".", "--ff")
    assert [nodeid.partition(".py")[0] for nodeid in run.ended] == ["b"] * 4 + ["a"] * 4
    assert "rerun previous 4 failures first" in run.output


@pytest.mark.parametrize("only", ["accept", "compose"])
def test_a_run_of_one_kind_of_item_brings_back_what_that_needs(example: Example, only: str) -> None:
    problems(example, a="", b=HOPELESS)
    example.run(".", "-k", only)
    assert selected(example) == {"b": {*SEEDS, "model::accept"} if only == "accept" else ALL}
    assert selected(example, "-k", "accept") == {"b": {"model::accept"}}
    problems(example, b="")
    example.run("b.py::compose")
    assert noted(example) == {}, "the whole has a kernel, so nothing in it is missing"


def test_seeds_that_lose_are_no_failures(example: Example) -> None:
    problems(example, a=HOPELESS)
    example.run(".", "-k", "seed")
    assert selected(example, "--lfnf=none") == {}


def test_the_judges_own_failure_comes_back(example: Example) -> None:
    problems(example, a="", b=FAILS)
    example.run(".")
    problems(example, b="")
    assert items(example.run(".", "--lf")) == {"b": ALL}


@pytest.mark.parametrize("says", [SYNTAX, BROKEN, "# inspect=broken\n"])
def test_a_problem_that_was_broken_comes_back_whole_when_it_is_mended(example: Example, says: str) -> None:
    problems(example, a="", b=says, c=HOPELESS, d="")
    example.run(".")
    problems(example, b="")
    run = example.run(".", "--lf")
    assert items(run) == {"b": ALL, "c": ALL}
    problems(example, c="")
    assert items(example.run(".", "--lf")) == {"c": ALL}
    assert noted(example) == {}


def test_a_problem_without_a_kept_kernel_comes_back_with_its_search(example: Example) -> None:
    problems(example, a="", b="")
    assert items(example.run(".", "--kernelfalcon-frozen")) == {"a": {"compose"}, "b": {"compose"}}
    example.run("b.py", "--kernelfalcon-update")
    assert items(example.run(".", "--lf", "--kernelfalcon-update")) == {"a": ALL}
    frozen = example.run(".", "--kernelfalcon-frozen")
    assert (frozen.ret, items(frozen)) == (0, {name: {"model::accept", "compose"} for name in "ab"})


@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_what_a_run_did_not_get_to_is_missing_too(example: Example, stop: str) -> None:
    problems(example, a="", b=HOPELESS, c="")
    example.write("test_user.py", "def test_fails(): assert 0\ndef test_user(): pass\n")
    first = example.run(".", stop)
    assert items(first) == {"a": ALL, "b": {*SEEDS, "model::accept"}}
    assert selected(example) == {"b": ALL, "c": ALL}, "tests of the user's that were not run did not fail"
    problems(example, b="")
    assert items(example.run("b.py", "c.py", "--lf")) == {"b": ALL, "c": ALL}
    assert noted(example) == {}


def test_problems_that_are_added_or_removed_in_between(example: Example) -> None:
    problems(example, a=HOPELESS, b=HOPELESS)
    example.run(".")
    (example.path / "a.py").unlink()
    problems(example, c="")
    assert selected(example) == {"b": ALL}
    assert items(example.run("c.py", "--lf")) == {"c": ALL}, "no failure is known of what is named"


def test_more_seeds_in_between_come_along(example: Example) -> None:
    problems(example, a=HOPELESS, b="")
    example.run(".")
    assert selected(example, "-o", "kernelfalcon_seeds=3") == {"a": ALL | {"model::seed[2]"}}


def test_seeds_that_the_user_drops_stay_dropped(example: Example) -> None:
    problems(example, a=HOPELESS, b="")
    example.write("conftest.py", WITHOUT_SEEDS)
    example.run(".")
    run = example.run(".", "--lf")
    assert items(run) == {"a": {"model::accept", "compose"}}


def test_a_kept_kernel_that_cannot_be_judged_here_is_not_missing(example: Example, judge: FakeJudge) -> None:
    problems(example, add="", b=HOPELESS)
    keep(example, judge, candidate("accepted", "undecided"))
    run = example.run(".")
    assert run.ended["add.py::model::accept"] == run.ended["add.py::compose"] == "SKIPPED"
    assert selected(example) == {"b": ALL}


def test_what_the_user_skips_is_not_missing(example: Example) -> None:
    problems(example, a=HOPELESS, b=HOPELESS)
    skips = "import pytest\ndef pytest_runtest_setup(item):\n    'b.py' in item.nodeid and pytest.skip('not today')\n"
    example.write("conftest.py", skips)
    assert set(example.run(".").ended.values()) == {"LOST", "FAILED", "SKIPPED"}
    assert selected(example) == {"a": ALL}


def test_outside_of_the_root_directory(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("outside")
    for name, says in {"1_a": HOPELESS, "2_b": ""}.items():
        (folder / f"{name}.py").write_text(PROBLEM + says)
    arguments = (f"--rootdir={example.path}", str(folder), "--kernelfalcon-seeds=2")
    example.run(*arguments)
    run = example.run(*arguments, "--lf")
    assert items(run) == {str(folder / "1_a"): ALL}


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_after_an_interrupt_or_a_kill_what_was_not_finished_comes_back(example: Example, end: signal.Signals) -> None:
    problems(example, a="", b=HANGS, c="")
    process = spawn(example, "a.py", "b.py", "c.py")
    wait_for(example, ".fuse/*/b-*/kernels_out/model/seed*/started", process)
    process.send_signal(end)
    process.communicate(timeout=100)
    assert selected(example) == {"b": ALL, "c": ALL}


def test_workers_share_what_is_missing_after_one_that_died(example: Example) -> None:
    problems(example, a="", b="")
    example.write("conftest.py", DIES)
    process = spawn(example, "a.py", "b.py", "-n1", "--dist=loadfile", "--max-worker-restart=0")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 1, output
    assert "crashed while running 'b.py::model::accept'" in output
    (example.path / "conftest.py").unlink()
    output, _ = spawn(example, "a.py", "b.py", "-n2", "--lf").communicate(timeout=100)
    assert "b.py::model::seed[0]" in output
    assert "b.py::model::seed[1]" in output
    assert "a.py::" not in output
    assert noted(example) == {}, output
