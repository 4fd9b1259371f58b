"""A broken problem is one clear failing item."""

from __future__ import annotations

import pytest

from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import GOOD, FakeJudge

TEXTS = {
    "syntax": ("class Model(:\n", "bad.py:1: syntax error: "),
    "no model": ("def get_inputs(): ...\ndef get_init_inputs(): ...\n", "bad.py: defines no class `Model`. Fix: "),
    "no inputs": ("class Model: ...\ndef get_init_inputs(): ...\n", "bad.py: defines no function `get_inputs`. Fix: "),
    "nul": ("class Model: ...\0", "bad.py: syntax error: "),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_that_is_no_problem_is_one_failing_item(example: Example, judge: FakeJudge, kind: str) -> None:
    text, message = TEXTS[kind]
    example.problem("bad.py", text)
    example.problem("good.py")
    example.script(GOOD)
    run = example.run(".", "--kernelfalcon-seeds=1")
    assert run.ret == 1
    assert {name: word for name, word in run.ended.items() if word not in ("WON", "PASSED")} == {
        "bad.py::problem": "FAILED"
    }
    assert run.texts["bad.py::problem"].startswith(message)
    assert [problem["outcome"] for problem in run.report["problems"]] == ["broken", "accepted"]


def test_bytes_that_are_no_text(example: Example, judge: FakeJudge) -> None:
    (example.path / "bad.py").write_bytes(b"class Model: \xff\xfe")
    run = example.run("bad.py")
    assert run.ended == {"bad.py::problem": "FAILED"}
    assert run.texts["bad.py::problem"].startswith("bad.py: cannot be read: 'utf-8' codec can't decode")


def test_a_problem_that_does_not_run_fails_in_compose_alone(example: Example, judge: FakeJudge) -> None:
    example.problem("bad.py", PROBLEM + "# inspect=broken\n")
    run = example.run("bad.py", "--kernelfalcon-seeds=2")
    assert run.ended == {
        "bad.py::model::seed[0]": "CANCELLED", "bad.py::model::seed[1]": "CANCELLED",
        "bad.py::model::accept": "SKIPPED", "bad.py::compose": "FAILED",
    }  # fmt: skip
    assert run.texts["bad.py::compose"].startswith("bad.py:3: `forward` raises: ValueError: no. Fix: ")
    assert run.texts["bad.py::model::accept"] == "Skipped: the problem is broken: bad.py::compose says why"
    assert [gate for gate, _ in judge.asked].count("inspect") == 1
    problem = run.problem()
    assert (problem["outcome"], problem["cause"], problem["line"]) == ("broken", "problem_forward", 3)
    assert "bad.py:3: broken (problem_forward): `forward` raises: ValueError: no" in run.output


def test_a_problem_that_breaks_while_it_is_judged_is_broken_too(example: Example, judge: FakeJudge) -> None:
    example.problem("bad.py")
    example.script("# seed=breaks\n")
    run = example.run("bad.py", "--kernelfalcon-seeds=2")
    assert set(run.ended.values()) == {"CANCELLED", "SKIPPED", "FAILED"}
    assert run.ended["bad.py::compose"] == "FAILED"
    assert run.problem()["outcome"] == "broken"
