"""A race with the real judge: first candidates that fail, rounds of unequal time, and what is left of the loser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import KERNEL, WRONG_KERNEL, Example
from tests.plugin.test_real import UNMASKED
from tests.processes import children, wait_until, zygotes

ENDLESS = KERNEL.replace("    n = x", "    while True:\n        pass\n    n = x")
HOLDS = """
import pathlib
import time


def test_holds():
    while not pathlib.Path("over").exists():
        time.sleep(0.05)
"""
WARM = 2
"""Processes that a worker keeps for its next question: the problem's reference, and the comparer."""


def busiest(controller: int) -> int:
    """Of the roles that one worker has running in one zygote, the most."""
    lines = [line for zygote in zygotes(controller) for line in children(zygote)]
    return max((len(children(line)) for line in lines), default=0)


def events(example: Example) -> Iterator[dict[str, Any]]:
    for path in example.path.glob(".fuse/2*/events.jsonl"):
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)


def test_a_winner_ends_its_sibling_inside_a_round_and_the_processes_that_judge_it(example: Example) -> None:
    example.problem("add.py")
    example.write("test_users.py", HOLDS)
    example.script(WRONG_KERNEL, *[ENDLESS] * 9, seed=0)
    example.script(UNMASKED, WRONG_KERNEL, KERNEL, seed=1)
    script = f"--kernelfalcon-author=scripted/{example.path / 'script'}"
    process = example.spawn("--kernelfalcon", "-v", "-n3", "--kernelfalcon-seeds=2", script, ".", OMP_NUM_THREADS="1")
    most = 0

    def composed() -> bool:
        nonlocal most
        most = max(most, busiest(process.pid))
        assert process.poll() is None, process.communicate()[0]
        return any(event["event"] == "item" and event["item"] == "add.py::compose" for event in events(example))

    try:
        assert wait_until(composed, 300)
        assert most > WARM, "the loser was at work"
        assert wait_until(lambda: busiest(process.pid) <= WARM, 60), "and nothing of it is left, though the run goes on"
        assert process.poll() is None
        (example.path / "over").touch()
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == pytest.ExitCode.OK, output
    assert "CANCELLED add.py::model::seed[0]" in output
    rounds = [event for event in events(example) if event["event"] == "round"]
    causes = {(event["seed"], event["round"]): event["verdict"]["cause"] for event in rounds}
    assert causes.pop((0, 0)) == "inaccurate"
    assert [causes.pop((1, number)) for number in range(3)] == ["unwritten_output", "inaccurate", None]
    assert set(causes.values()) <= {"wrapper_timeout"}
