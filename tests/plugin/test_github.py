"""GitHub Actions: annotations and the step's summary, and that nobody else's text becomes a command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_kernelfalcon import github
from tests.conftest import KERNEL, PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate
from tests.plugin.test_stopping import FAKE

ACTIONS = {"GITHUB_ACTIONS": "true"}
INJECTED = "::add-mask::secret"


@pytest.fixture
def actions(example: Example, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the step's summary is written."""
    path = example.path / "step.md"
    for name, value in {**ACTIONS, "GITHUB_WORKSPACE": str(example.path), "GITHUB_STEP_SUMMARY": str(path)}.items():
        monkeypatch.setenv(name, value)
    return path


def commands(output: str) -> list[str]:
    """What the runner of Actions would take for a command."""
    return [line for line in re.split(r"[\r\n]+", output) if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("mode", [(), ("--no-summary", "-qq")])
def test_a_problem_without_a_kernel_is_annotated(
    example: Example, judge: FakeJudge, actions: Path, mode: tuple[str, ...]
) -> None:
    example.problem("a, b:100%.py")
    example.script(BAD)
    run = example.run("a, b:100%.py", "--kernelfalcon-seeds=1", *mode)
    (line,) = commands(run.output)
    assert line.startswith(
        "::error file=a%2C b%3A100%25.py,line=1,title=kernelfalcon%3A no_kernel (unsolved)::no seed found"
    )
    assert "%0Aagain: pytest --kernelfalcon " in line
    assert line.endswith(" 'a, b:100%25.py'")


def test_annotations_need_no_terminal_reporter(example: Example, actions: Path) -> None:
    example.problem("add.py", "class Model(:\n")
    example.write("fake.py", FAKE)
    output, _ = example.spawn("-p", "fake", "-p", "no:terminal", "--kernelfalcon", "add.py").communicate(timeout=60)
    assert [line[:28] for line in commands(output)] == ["::error file=add.py,line=1,t"]


def test_a_refused_kept_kernel_is_annotated_at_its_line(example: Example, judge: FakeJudge, actions: Path) -> None:
    example.problem("deep/add.py")
    example.script(candidate("accepted", "accepted"))
    assert example.run("deep", "--kernelfalcon-update").ret == 0
    judge.judge = lambda *_: FakeJudge().judge(_[0], BAD, "seed", _[3])  # type: ignore[method-assign]
    run = example.run("deep", "--kernelfalcon-frozen")
    (line,) = commands(run.output)
    assert line.startswith("::error file=deep/__kernels__/add.py,line=1,title=kernelfalcon%3A refused (inaccurate)::")


def test_what_is_not_decided_is_a_warning(example: Example, judge: FakeJudge, actions: Path) -> None:
    example.problem()
    example.script(candidate("undecided"))
    (line,) = commands(example.run("add.py", "-k", "seed").output)
    assert line.startswith("::warning file=add.py,line=1,title=kernelfalcon%3A not decided::")
    (line,) = commands(example.run("add.py").output)
    assert line.startswith("::warning file=add.py,line=1,title=kernelfalcon%3A undecided (not_runnable)::")


def test_of_many_as_many_are_annotated_as_github_shows(example: Example, judge: FakeJudge, actions: Path) -> None:
    for number in range(12):
        example.problem(f"p{number}.py", "class Model(:\n")
    found = commands(example.run(*(f"p{number}.py" for number in range(12))).output)
    assert len(found) == 10
    assert found[-1] == "::error title=kernelfalcon::and 3 more problems: see the table of the run"


def test_outside_of_actions_nothing_is_annotated(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(BAD)
    assert not commands(example.run("add.py").output)


def test_the_steps_summary_is_a_table_that_nobody_breaks(example: Example, judge: FakeJudge, actions: Path) -> None:
    actions.write_text("before\n")
    example.problem("good.py")
    example.problem("a|<b>`*_[x].py", "class Model(:\n")
    example.script(GOOD)
    example.run(".")
    text = actions.read_text()
    assert text.startswith("before\n### kernelfalcon: 1 of 2 problems have a kernel\n\n| problem | outcome |")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [line.count("|") for line in rows] == [9, 9, 9, 9]
    assert "&#124;&#60;b&#62;&#96;&#42;&#95;&#91;x&#93;.py | broken |" in rows[2], "what has no kernel comes first"
    assert rows[3].startswith("| good.py | accepted |")
    assert "<b>" not in text


@pytest.mark.parametrize("start", ["", "  ", "\t", "\u2003", "\u00a0"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_text_is_made_harmless(start: str, end: str) -> None:
    text = f"one{end}{start}{INJECTED}{end}x ##[add-mask]secret{end}a::b"
    assert not commands(github.guard(text, ACTIONS))
    assert github.guard(text, ACTIONS).endswith(f"{end}a::b")
    assert github.guard(text, {}) == text


def test_json_stays_the_same_data() -> None:
    data = {"message": f"x\n{INJECTED} ##[error]"}
    text = github.guard_json(json.dumps(data, indent=2), ACTIONS)
    assert not commands(text)
    assert json.loads(text) == data


def test_a_candidate_gives_no_commands(example: Example, shared: object, actions: Path) -> None:
    """By what its wrapper raises, by its source, whose lines are shown, and by what it prints."""
    raises = f"raise ValueError('x\\n{INJECTED}\\r  {INJECTED} ##[add-mask]secret')"
    example.problem()
    example.script(
        KERNEL.replace("    x = x.contiguous()", f"    print('\\n{INJECTED}', flush=True)\n    {raises}  # ##[error]"),
    )
    run = example.run("add.py", "--kernelfalcon-seeds=1")
    assert run.problem()["outcome"] == "no_kernel"
    assert "secret" in run.output
    (line,) = commands(run.output)
    assert line.startswith("::error file=add.py,")
    assert "##[" not in line


def test_a_problem_gives_no_commands(example: Example, shared: object, actions: Path) -> None:
    example.problem("add.py", PROBLEM.replace("return x + 1.0", f"raise ValueError('x\\n{INJECTED} ##[error]')"))
    run = example.run("add.py", "--kernelfalcon-seeds=1")
    assert run.problem()["outcome"] == "broken"
    assert "secret" in run.output
    assert [line[:20] for line in commands(run.output)] == ["::error file=add.py,"]
