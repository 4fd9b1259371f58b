"""Several workers: whatever pytest-xdist gives to whom, the run ends as it does in one process."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import Any

import pytest

from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate
from tests.plugin.test_stopping import ended, spawn, wait_for

DECIDED = ("path", "shown", "kept", "mode", "outcome", "cause", "message", "line")
FINISHED = """
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        Path("finished-" + session.config.workerinput["workerid"]).touch()
"""


def several(example: Example) -> None:
    """A problem that is solved, one that is broken and one that the judge fails on; one seed never finds a kernel."""
    example.problem("add.py")
    example.problem("broken.py", PROBLEM + "# inspect=broken\n")
    example.problem("error.py", PROBLEM + "# inspect=error\n")
    example.script(BAD, seed=0)
    example.script(BAD, GOOD, seed=1)


def distributed(example: Example, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of a run with two workers."""
    report = f"--kernelfalcon-json={example.path / 'report.json'}"
    return ended(spawn(example, *arguments, "-n2", report))


def record(example: Example) -> list[dict[str, Any]]:
    """The events of the only run directory."""
    (path,) = example.path.glob(".fuse/2*/events.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def alone() -> list[Run]:
    """The run in one process, once it was made."""
    return []


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadscope", "loadfile", "loadgroup", "each"])
def test_a_run_ends_as_it_does_in_one_process(example: Example, judge: FakeJudge, alone: list[Run], dist: str) -> None:
    several(example)
    command = ("--kernelfalcon-seeds=2", "--kernelfalcon-fresh", "add.py", "broken.py", "error.py")
    if not alone:
        alone.append(example.run(*command))
        for path in example.path.glob(".fuse/2*"):
            path.rename(example.path / path.name)
    ret, output = distributed(example, *command, f"--dist={dist}")
    report = json.loads((example.path / "report.json").read_text())
    assert ret == alone[0].ret == 1, output
    assert [_decided(problem) for problem in report["problems"]] == [
        _decided(problem) for problem in alone[0].report["problems"]
    ], output
    assert report["totals"]["accepted"] == report["totals"]["broken"] == report["totals"]["judge_error"] == 1
    (summary,) = example.path.glob(".fuse/2*/summary.json")
    assert json.loads(summary.read_text()) == report
    _complete(record(example), alone[0], times=2 if dist == "each" else 1)


def _decided(problem: dict[str, Any]) -> dict[str, Any]:
    """What does not hang on which seed came first."""
    subgraphs = [(one["id"], one["outcome"], one["cause"]) for one in problem["subgraphs"]]
    return {key: problem[key] for key in DECIDED} | {"subgraphs": subgraphs}


def _complete(events: list[dict[str, Any]], alone: Run, times: int) -> None:
    """Each item ended `times` times, and what is worked out was worked out once."""
    assert Counter(event["item"] for event in events if event["event"] == "item") == dict.fromkeys(alone.ended, times)
    kinds = Counter(event["event"] for event in events)
    assert (kinds["run"], kinds["problem"], kinds["plan"], kinds["broken"]) == (1, 3, 1, 1)
    assert (kinds["accept"], kinds["compose"], kinds["finish"]) == (1, 1, 1)
    assert events[-1]["event"] == "finish"
    assert {event["worker"] for event in events} == {"main", "gw0", "gw1"}


def test_the_worker_that_is_done_first_stops_nobody(example: Example) -> None:
    example.problem("add.py")
    example.problem("slow.py", PROBLEM + "# inspect=waits\n")
    example.write("conftest.py", FINISHED)
    example.script(GOOD)
    ret, output = distributed(example, "add.py", "slow.py", "--dist=loadfile", "--kernelfalcon-seeds=1")
    assert ret == 0, output
    assert "4 passed, 2 won" in output


@pytest.mark.parametrize("dist", ["load", "each"])
def test_what_the_user_has_to_change_ends_the_run_as_wrong_usage(example: Example, dist: str) -> None:
    example.problem(text=PROBLEM + "# inspect=unavailable\n")
    ret, output = distributed(example, "add.py", f"--dist={dist}")
    assert ret == pytest.ExitCode.USAGE_ERROR, output
    assert "the sandbox is not complete here" in output


def test_a_kernel_that_cannot_be_kept_ends_the_run_before_it_begins(example: Example) -> None:
    example.problem()
    example.write("file", "")
    ret, output = distributed(example, "add.py", "--kernelfalcon-update", "--kernelfalcon-kernels=file")
    assert ret == pytest.ExitCode.USAGE_ERROR, output
    assert "the kernel of add.py cannot be kept" in output


def test_workers_keep_a_kernel_once(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    ret, output = distributed(example, "add.py", "--dist=each", "--kernelfalcon-update", "--kernelfalcon-seeds=1")
    assert ret == 0, output
    assert [event["event"] for event in record(example)].count("kept") == 1
    assert (example.path / "__kernels__" / "add.py").read_text() == GOOD


def test_an_interrupt_ends_the_work_of_all_workers(example: Example) -> None:
    for name in ("one", "two"):
        example.problem(f"{name}.py")
    example.script(candidate("hang"))
    process = spawn(example, "one.py", "two.py", "-n2", "--dist=loadfile", "--kernelfalcon-seeds=1")
    for name in ("one", "two"):
        wait_for(example, f".fuse/*/{name}-*/kernels_out/model/seed0/started", process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert output.count("  not decided  ") == 2
    assert "not decided: 2 of 2 problems" in output
    assert not list(example.path.glob(".fuse/*/*/kernels_out/model/seed*/started")), "they can be taken up again"
