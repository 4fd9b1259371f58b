"""What seeds alone can be: won, lost, cancelled. Their letters, words, colours, summaries and JUnit forms."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, candidate

pytestmark = pytest.mark.usefixtures("judge")

LOST, WON, CANCELLED = (f"add.py::model::seed[{number}]" for number in range(3))
LAST = "1 round without a kernel; the last: refused: output 0 is too far off"
SHORT = {
    "W": [f"WON {WON}"],
    "L": [f"LOST {LOST} - {LAST}"],
    "C": [f"CANCELLED {CANCELLED} - seed[1] won"],
}


@pytest.fixture(autouse=True)
def one_of_each(example: Example) -> None:
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 3\n")
    example.problem()
    example.script(BAD, seed=0)
    example.script(GOOD)


def seeds_section(output: str) -> list[str]:
    found = re.search(r"^=+ seeds =+\n(.*?)^=", output, re.MULTILINE | re.DOTALL)
    return found[1].splitlines() if found else []


def test_each_has_a_letter_a_word_and_a_count(example: Example) -> None:
    quiet = example.run("add.py", "-q")
    assert re.search(r"^add\.py LWC\.\. ", quiet.output, re.MULTILINE)
    assert "= 2 passed, 1 lost, 1 won, 1 cancelled in " in quiet.output
    assert quiet.ret == 0
    example.run("add.py")
    earlier = example.run("add.py", "-vv")
    assert earlier.ended[WON] == "WON (found by an earlier run)"
    assert f"{CANCELLED} CANCELLED (seed[1] won in an earlier run)" in earlier.output
    assert "1 won" in earlier.output


def test_a_winner_is_green_and_the_others_are_no_failures(example: Example) -> None:
    output = example.run("add.py", "--color=yes").output
    assert f"{WON} \x1b[32mWON\x1b[0m" in output
    assert f"{LOST} \x1b[33mLOST\x1b[0m" in output
    assert "\x1b[31m" not in output


@pytest.mark.parametrize(
    ("characters", "shown"),
    [
        ("A", "WLC"),
        ("a", "LC"),
        ("W", "W"),
        ("CL", "CL"),
        ("LL", "L"),
        ("LN", ""),
        ("LA", "WLC"),
        ("fE", ""),
        ("s", ""),
    ],
)
def test_the_extra_summary_has_them_by_their_letters(example: Example, characters: str, shown: str) -> None:
    output = example.run("add.py", "-r", characters).output
    assert seeds_section(output) == [line for letter in shown for line in SHORT[letter]]
    assert ("PASSED add.py::compose" in output) == ("A" in characters)
    assert "SKIPPED" not in output, "they are none of pytest's own"


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_junit_tells_them_apart(example: Example, family: str) -> None:
    example.write("test_user.py", "import pytest\ndef test_user(): pytest.skip('mine')\n")
    example.run(".", "--junitxml=junit.xml", "-o", f"junit_family={family}")
    root = ET.parse(example.path / "junit.xml").getroot()
    (suite,) = root.iter("testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "0", "0", "3"]
    cases = {f"{case.get('classname')}.{case.get('name')}": case for case in root.iter("testcase")}
    skips = {
        name: (skip.get("type"), skip.get("message")) for name, case in cases.items() for skip in case.iter("skipped")
    }
    assert skips == {
        "add.model.seed[0]": ("kernelfalcon.lost", LAST),
        "add.model.seed[2]": ("kernelfalcon.cancelled", "seed[1] won"),
        "test_user.test_user": ("pytest.skip", "mine"),
    }
    states = {
        name: [one.get("value") for one in case.iter("property") if one.get("name") == "kernelfalcon"]
        for name, case in cases.items()
    }
    assert states == {
        "add.model.seed[0]": ["lost"], "add.model.seed[1]": ["won"], "add.model.seed[2]": ["cancelled"],
        "add.model.accept": ["passed"], "add.compose": ["passed"], "test_user.test_user": [],
    }  # fmt: skip
    assert "skipped" not in {child.tag for child in cases["add.model.seed[1]"]}


def test_a_junit_file_that_is_no_file(example: Example) -> None:
    assert example.run("add.py", "--junitxml=/dev/null").ret == 0


def test_junit_of_a_judge_that_fails_is_an_error(example: Example) -> None:
    example.script(candidate("error"))
    example.run("add.py", "--junitxml=deep/junit.xml", "-k", "accept")
    (suite,) = ET.parse(example.path / "deep" / "junit.xml").getroot().iter("testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["1", "0", "1", "0"]


def test_a_run_without_a_kernel_counts_failures_and_what_was_lost(example: Example) -> None:
    example.script(BAD)
    example.problem("hard.py", PROBLEM + "# kernels=refused\n")
    run = example.run("hard.py")
    assert "= 2 failed, 3 lost in " in run.output
    assert run.ret == 1
