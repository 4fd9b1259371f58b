"""The workers of a run share the two zygotes of its controller, and nobody outlives anybody."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import PROBLEM, Example
from tests.processes import alive, all_end, begun, below, children, is_zygote, wait_until, zygotes

TELLS_OF_TORCH = """
import os, pathlib, sys


def pytest_unconfigure(config):
    pathlib.Path(config.rootpath, f"loaded-{os.getpid()}").write_text(str("torch" in sys.modules))
"""
HANGS = "import time\n\ntime.sleep(600)\n" + PROBLEM


def spawn(example: Example, *arguments: str) -> subprocess.Popen[str]:
    """A run by two workers with the real judge and a real author."""
    command = ("--kernelfalcon", "--kernelfalcon-seeds=1", "-n2", "--dist=loadfile", *arguments)
    return example.spawn(*command, PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1")


def workers(process: subprocess.Popen[str]) -> list[int]:
    return [child for child in children(process.pid) if not is_zygote(child)]


def test_two_workers_share_two_zygotes_and_torch_is_in_no_process_of_pytest(example: Example) -> None:
    for name in ("one.py", "two.py"):
        example.problem(name)
    example.write("conftest.py", TELLS_OF_TORCH)
    process = spawn(example, "one.py", "two.py")
    of_controller, of_workers = set[int](), set[int]()

    def over() -> bool:
        of_controller.update(zygotes(process.pid))
        for worker in workers(process):
            of_workers.update(zygotes(worker))
        return process.poll() is not None

    assert wait_until(over, 100)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "4 passed, 2 won" in output
    assert (len(of_controller), len(of_workers)) == (2, 0)
    assert [path.read_text() for path in example.path.glob("loaded-*")] == ["False"] * 3


@pytest.fixture
def busy(example: Example) -> Iterator[subprocess.Popen[str]]:
    """A run whose two workers are both within the judge's work."""
    for name in ("one.py", "two.py"):
        example.problem(name, HANGS)
    process = spawn(example, "one.py", "two.py", "--max-worker-restart=0")
    try:
        # below a zygote, for each worker: a copy of it, a guard and what it guards
        assert wait_until(lambda: any(len(below(zygote)) >= 6 for zygote in zygotes(process.pid)), 60)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_what_a_killed_worker_started_ends_with_it_and_an_interrupt_ends_the_rest(busy: subprocess.Popen[str]) -> None:
    first, second = workers(busy)
    started = [begun(pid) for pid in below(busy.pid)]
    forked = [begun(pid) for zygote in zygotes(busy.pid) for pid in below(zygote)]
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: sum(alive(process) for process in forked) <= len(forked) // 2, 20)
    assert begun(second) is not None
    busy.send_signal(signal.SIGINT)
    output, _ = busy.communicate(timeout=30)
    assert busy.returncode == pytest.ExitCode.INTERRUPTED, output
    assert all_end(started)


def test_what_a_killed_controller_started_ends_with_it(busy: subprocess.Popen[str]) -> None:
    started = [begun(pid) for pid in below(busy.pid)]
    assert len(started) >= 8
    busy.kill()
    assert all_end(started, 30)
