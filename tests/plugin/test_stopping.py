"""A run that is stopped, or a seed that is no longer needed, stops inside the work that it is doing."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

import pytest

from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate

HANGS = candidate("hang")

FAKE = """
import pytest_kernelfalcon.session
from tests.plugin.conftest import FakeJudge

def open_judge(*_):
    return FakeJudge()

pytest_kernelfalcon.session.open_judge = open_judge
"""


def spawn(example: Example, *arguments: str) -> subprocess.Popen[str]:
    """A run with the fake judge in processes of its own."""
    example.write("fake.py", FAKE)
    script = f"--kernelfalcon-author=scripted/{example.path / 'script'}"
    return example.spawn("-p", "fake", "--kernelfalcon", "-v", script, *arguments, PYTHONDONTWRITEBYTECODE="1")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and the output of a run, which ends by itself."""
    try:
        output, _ = process.communicate(timeout=100)
    finally:
        process.kill()
    assert "INTERNALERROR" not in output, output
    return process.returncode, output


def wait_for(example: Example, pattern: str, process: subprocess.Popen[str]) -> None:
    while not list(example.path.glob(pattern)):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def test_an_interrupt_ends_a_run_at_once_and_leaves_its_record(example: Example) -> None:
    example.problem()
    example.script(HANGS)
    process = spawn(example, "add.py")
    wait_for(example, ".fuse/*/add-*/kernels_out/model/seed0/started", process)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "KeyboardInterrupt" in output
    assert list(example.path.glob(".fuse/*/stopped"))
    assert list(example.path.glob(".fuse/*/summary.json"))
    assert "add.py   not decided" in output
    assert not list(example.path.glob(".fuse/*/add-*/kernels_out/model/seed0/started")), "it can be taken up again"


def test_work_under_way_stops_when_another_process_stops_the_run(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(HANGS)

    def stop() -> None:
        while not (found := list(example.path.glob(".fuse/*/add-*/kernels_out/model/seed0/started"))):
            time.sleep(0.02)
        (found[0].parents[4] / "stopped").touch()

    thread = threading.Thread(target=stop)
    thread.start()
    run = example.run("add.py")
    thread.join()
    assert set(run.ended.values()) == {"CANCELLED"}
    assert set(run.texts.values()) == {"Skipped: the run was stopped"}


def test_workers_share_a_run_and_a_winner_stops_its_sibling_inside_a_round(example: Example) -> None:
    """Reversed, so that the worker that pulls takes the seed that hangs, and the other one has the seed that wins."""
    example.problem()
    example.write("conftest.py", "def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    example.script(HANGS, seed=0)
    example.script(BAD, GOOD, seed=1)
    process = spawn(example, "add.py", "-n2", "--kernelfalcon-seeds=2", "--maxschedchunk=1")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert all(part in output.splitlines()[-1] for part in ("2 passed", "1 won", "1 cancelled")), output
    assert len(list(example.path.glob(".fuse/2*"))) == 1, "one run directory"
    assert output.count("= kernelfalcon =") == 1


def test_the_judge_is_closed_however_a_run_ends(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(candidate("error"))
    example.run("add.py", "-x")
    assert judge.closed
