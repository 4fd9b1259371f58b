"""Workers race seeds under `--dist load`: what is shown, and what becomes of a run whose workers die."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.conftest import Example
from tests.plugin.conftest import BAD, GOOD, candidate
from tests.plugin.test_stopping import ended, spawn

USERS = """
import pytest


@pytest.mark.parametrize("number", range(4))
def test_users(number):
    pass
"""
FAILS_AT_THE_END = """
import pytest


@pytest.fixture(scope="session")
def server():
    yield
    raise OSError("busy")


def test_users(server):
    pass
"""
DIES_WAITING = """
import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if item.name == "kernelfalcon-end-of-worker":
        os._exit(3)
    return (yield)
"""
DIES = """
import os


def pytest_runtest_setup(item):
    if item.name in ("seed[0]", "accept"):
        try:
            os.close(os.open(f"died-{item.name}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os._exit(3)
"""
"""The first worker that is at one of these."""


def ends(example: Example, *arguments: str) -> tuple[int, str]:
    """A run with the fake judge by two workers; its exit code and output."""
    return ended(spawn(example, "-n2", "--kernelfalcon-seeds=2", *arguments))


def test_the_hidden_item_is_seen_nowhere(example: Example) -> None:
    example.problem()
    example.write("test_users.py", USERS)
    example.script(GOOD)
    ret, output = ends(example, ".", "--junitxml=junit.xml", "--durations=0", "-rA")
    assert ret == 0, output
    assert "2 workers [8 items]" in output
    assert "100%" in output
    assert "end-of-worker" not in output
    cases = list(ET.parse(example.path / "junit.xml").iter("testcase"))
    assert len(cases) == 8
    assert "end-of-worker" not in (example.path / "junit.xml").read_text()


def test_without_a_scheduler_of_ours_there_is_no_hidden_item(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write("conftest.py", DIES_WAITING)
    ret, output = ends(example, "add.py", "--dist=worksteal", "-n1")
    assert ret == 0, output


def test_what_fails_at_the_end_of_a_session_fails_the_run(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write("test_users.py", FAILS_AT_THE_END)
    ret, output = ends(example, ".", "--maxprocesses=1")
    assert ret == 1, output
    assert "1 worker [5 items]" in output
    assert "OSError: busy" in output
    assert "1 error" in output


def test_what_workers_were_at_when_they_died_is_lost_or_has_failed_and_others_go_on(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write("conftest.py", DIES)
    ret, output = ends(example, "add.py", "--junitxml=junit.xml")
    assert ret == 1, output
    assert output.count("replacing crashed worker") == 2
    assert "LOST add.py::model::seed[0]" in output
    assert "FAILED add.py::model::accept" in output
    assert "PASSED add.py::compose" in output
    assert "1 lost" in output
    assert "not run" not in output
    assert "crashed while running 'add.py::model::seed[0]'" in (example.path / "junit.xml").read_text()


def test_what_was_not_run_is_told_where_no_worker_is_left(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write("conftest.py", DIES_WAITING)
    report = example.path / "report.json"
    process = spawn(example, "-n1", "--max-worker-restart=0", "--kernelfalcon-seeds=1", "add.py",
                    f"--kernelfalcon-json={report}")  # fmt: skip
    output, _ = process.communicate(timeout=100)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED, output
    assert (
        "kernelfalcon: 2 items were not run, as the workers ended before: add.py::model::accept, add.py::compose"
        in output
    )
    assert output.count("were not run") == 1
    (path,) = example.path.glob(".fuse/2*/events.jsonl")
    assert json.loads(path.read_text().splitlines()[-1])["exitstatus"] == 1


def test_a_run_that_is_stopped_at_a_failure_lacks_nothing(example: Example) -> None:
    for name in ("one.py", "two.py"):
        example.problem(name)
    example.script(BAD, candidate("refused", name="again"))
    ret, output = ends(example, "one.py", "two.py", "-x")
    assert ret == pytest.ExitCode.INTERRUPTED, output
    assert "stopping after 1 failures" in output
    assert "not run" not in output


def test_workers_that_collect_different_items_end_the_run_and_say_so(example: Example) -> None:
    example.problem()
    example.script(GOOD)
    example.write(
        "conftest.py",
        "def pytest_collection_modifyitems(config, items):\n"
        "    if config.workerinput['workerid'] == 'gw1':\n        items.pop()\n",
    )
    ret, output = ends(example, "add.py")
    assert ret == 1, output
    assert "Different tests were collected between gw" in output
