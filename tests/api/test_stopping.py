"""Whoever ends the caller ends the run: in order, and with nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_kernelfalcon import generate_kernel
from tests.conftest import PROBLEM
from tests.plugin.conftest import GOOD
from tests.processes import all_end, begun, below, wait_until

pytestmark = pytest.mark.usefixtures("faked")

CALLER = """
import sys
from pytest_kernelfalcon import generate_kernel

problem = open("add.py").read()
try:
    found = generate_kernel(problem, author="scripted/kernels", seeds=1, **eval(sys.argv[1]))
    print("ended", found.outcome, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
THREAD = """
import threading

def work():
    from pytest_kernelfalcon import generate_kernel
    print("ended", generate_kernel(open("add.py").read(), author="scripted/kernels", seeds=1).outcome, flush=True)

threading.Thread(target=work).start()
"""


def caller(here: Path, text: str = CALLER, options: str = "{}") -> subprocess.Popen[str]:
    """A program that asks for a kernel, for which the judging never ends."""
    (here / "add.py").write_text(PROBLEM)
    (here / "kernels" / "round0.py").write_text("# seed=hang\n")
    (here / "caller.py").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "caller.py", options], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_until(lambda: bool(_judging(here)), 60)
    return process


def _judging(here: Path) -> list[Path]:
    """The records of runs in which a candidate is being judged."""
    return [path for path in here.glob(".fuse/*/events.jsonl") if '"round": 0, "author"' in path.read_text()]


def _exit(here: Path) -> object:
    (record,) = _judging(here)
    return json.loads(record.read_text().splitlines()[-1]).get("exitstatus")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_stops_the_run_and_the_next_call_goes_on(here: Path, workers: int) -> None:
    process = caller(here, options=f"dict(workers={workers})")
    started = [begun(pid) for pid in below(process.pid)]
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.rstrip().endswith("interrupted")
    assert all_end(started)
    assert _exit(here) == 2
    (here / "kernels" / "round0.py").write_text(GOOD)
    again = subprocess.run([sys.executable, "caller.py", "{}"], capture_output=True, text=True, timeout=60, check=True)
    assert "ended accepted" in again.stdout


def test_a_terminals_interrupt_reaches_both_and_stops_once(here: Path) -> None:
    process = caller(here)
    started = [begun(pid) for pid in below(process.pid)]
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.rstrip().endswith("interrupted")
    assert all_end(started)
    assert _exit(here) == 2


def test_a_call_in_a_thread_ends_with_a_terminals_interrupt(here: Path) -> None:
    """Python itself leaves the thread alone then."""
    process = caller(here, THREAD)
    started = [begun(pid) for pid in below(process.pid)]
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert all_end(started)
    assert _exit(here) == 2


def test_a_caller_that_is_killed_takes_the_run_with_it(here: Path) -> None:
    process = caller(here)
    started = [begun(pid) for pid in below(process.pid)]
    assert started
    process.kill()
    process.communicate(timeout=60)
    assert all_end(started)
    assert _exit(here) == 2


def test_an_error_of_the_callers_own_function_ends_the_run(here: Path) -> None:
    (here / "kernels" / "round0.py").write_text("# seed=hang\n")
    before = set(below(os.getpid()))
    started: set[tuple[int, str] | None] = set()

    def shown(text: str) -> None:
        started.update(map(begun, set(below(os.getpid())) - before))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        generate_kernel(PROBLEM, author="scripted/kernels", seeds=1, show=shown)
    assert started
    assert all_end(started)
