"""pytest-xdist's options, and pytest's with several workers: a run ends as it does in one process."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD
from tests.plugin.test_stopping import ended, spawn

HOPELESS = "# kernels=refused\n"
REVERSED = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"


@pytest.fixture(autouse=True)
def two_seeds(example: Example) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 2\n")
    example.script(BAD, seed=0)
    example.script(GOOD)
    example.problem("level1/7_add.py")


def outcome(example: Example, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of a run in processes of its own."""
    return ended(spawn(example, "level1", *arguments))


@pytest.mark.parametrize("alone", [("-p", "no:xdist"), ("-n0", "--dist=no")])
def test_without_workers(example: Example, alone: tuple[str, ...]) -> None:
    ret, output = outcome(example, *alone)
    assert ret == 0, output
    assert "= 2 passed, 1 lost, 1 won in " in output


def test_reports_of_workers_are_those_of_one_process(example: Example) -> None:
    """With fewer workers than were asked for, and the items in another order."""
    example.write("conftest.py", REVERSED)
    options = ("-rA", "--junitxml=junit.xml", "--durations=1", "--durations-min=0", "--strict-markers", "-Werror")
    ret, output = outcome(example, "-n4", "--maxprocesses=2", "--dist=worksteal", *options)
    assert ret == 0, output
    assert "2 workers [4 items]" in output
    assert re.search(r"^WON level1/7_add\.py::model::seed\[1\]$", output, re.MULTILINE), output
    assert re.search(r"^[\d.]+s call +level1/7_add\.py::", output, re.MULTILINE), output
    cases = {case.get("name"): case for case in ET.parse(example.path / "junit.xml").getroot().iter("testcase")}
    (state,) = (one.get("value") for one in cases["seed[0]"].iter("property") if one.get("name") == "kernelfalcon")
    (skip,) = cases["seed[0]"].iter("skipped")
    assert (state, skip.get("type")) in {("lost", "kernelfalcon.lost"), ("cancelled", "kernelfalcon.cancelled")}
    assert not list(cases["seed[1]"].iter("skipped"))


@pytest.mark.parametrize("stop", ["-x", "--sw"])
def test_workers_stop_at_a_failure_too(example: Example, stop: str) -> None:
    example.problem("level1/7_add.py", PROBLEM + HOPELESS)
    ret, output = outcome(example, "-n1", stop)
    assert ret != 0, output
    assert "1 failed" in output.splitlines()[-1], output
    again = example.run("level1", "--lf", "--collect-only", "-q", "-q").output
    assert len([line for line in again.splitlines() if "::" in line]) == 4, "all of it is missing"
