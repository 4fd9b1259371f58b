"""The section at the end: how it fits terminals, options and very many problems."""

from __future__ import annotations

import re

import pytest

from pytest_kernelfalcon import summary
from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate

SECTION = re.compile(r"=+ kernelfalcon =+\n(.*?)\n=+ ", re.DOTALL)


@pytest.fixture(autouse=True)
def two(example: Example, judge: FakeJudge) -> None:
    """One problem gets a kernel, the other none."""
    example.problem("accepted.py")
    example.problem("none.py")
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")


@pytest.mark.parametrize(
    ("options", "table", "reasons"),
    [
        ((), True, True),
        (("-q",), True, True),
        (("-qq",), False, True),
        (("-qqq",), False, False),
        (("--no-summary",), False, False),
    ],
    ids=lambda value: "".join(value) if isinstance(value, tuple) else "",
)
def test_quiet_options(
    example: Example,
    knowing: None,
    options: tuple[str, ...],
    table: bool,
    reasons: bool,
) -> None:
    """The helper gives `-v`, so that each has one `q` more than a user would type."""
    run = example.run("accepted.py", "none.py", *options)
    assert run.ret == 1
    assert ("accepted.py  accepted" in run.output) == table
    assert ("none.py: no_kernel (unsolved): " in run.output) == reasons
    assert ("= kernelfalcon =" in run.output) == (table or reasons)


def test_quiet_and_all_have_a_kernel(example: Example) -> None:
    example.script(GOOD)
    assert "= kernelfalcon =" not in example.run("accepted.py", "-qq").output


class OnTerminal:
    """A plugin that has pytest take its output for a terminal."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        session.config.pluginmanager.get_plugin("terminalreporter").isatty = lambda: True  # type: ignore[union-attr]


@pytest.mark.parametrize("columns", [130, 80, 60])
def test_the_table_keeps_to_a_terminal(
    example: Example,
    knowing: None,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    example.problem("a/very/deep/folder/of/problems/with_a_long_name.py")
    monkeypatch.setenv("COLUMNS", str(columns))
    found = SECTION.search(example.run("accepted.py", "a", "none.py", plugins=[OnTerminal()]).output)
    assert found is not None
    rows = found[1].splitlines()[:4]
    assert max(map(len, rows)) <= columns, rows
    assert rows[2].startswith("a/very/") == (columns > 100), rows[2]
    assert "with_a_long_name.py" in rows[2]
    assert [row.split()[1] for row in rows[1:]] == ["accepted", "no_kernel", "no_kernel"]


def test_elsewhere_nothing_is_cut(example: Example, knowing: None, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{'long_' * 30}.py"
    example.problem(name)
    assert f"\n{name}  no_kernel" in example.run(name).output


def test_outcomes_have_their_colours(example: Example, knowing: None) -> None:
    output = example.run("accepted.py", "none.py", "--color=yes").output
    assert "accepted.py  \x1b[32maccepted \x1b[0m" in output
    assert "none.py      \x1b[31mno_kernel\x1b[0m" in output
    assert "\x1b[31mnone.py: no_kernel (unsolved)" in output


def test_of_very_many_the_accepted_are_counted(
    example: Example, knowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert summary.MAX_ROWS >= 40
    monkeypatch.setattr(summary, "MAX_ROWS", 2)
    names = ["accepted.py", "broken0.py", "broken1.py"]
    for name in names[1:]:
        example.problem(name, "class Model(:\n")
    output = example.run(*names, "-q").output
    assert "and 1 more that are accepted; -v lists them\n" in output
    assert "broken1.py  broken " in output
    assert "accepted.py  accepted" in example.run(*names).output
    assert "accepted.py  accepted" in example.run(*names[:2], "-q").output


def test_what_was_not_decided_and_how_to_go_on(example: Example) -> None:
    example.script(GOOD)
    run = example.run("accepted.py", "none.py", "--kernelfalcon-fresh", "-k", "seed and accepted or none")
    lines = run.output.splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("not decided: ")]
    assert lines[start] == "not decided: 1 of 2 problems; what was found for them is kept"
    assert lines[start + 1].startswith("  go on: pytest --kernelfalcon ")
    assert lines[start + 1].endswith(" accepted.py none.py -k 'seed and accepted or none'")
    assert "--kernelfalcon-fresh" not in lines[start + 1]


def test_a_command_quotes_what_a_shell_would_take_apart(example: Example) -> None:
    example.problem("it's a file;.py", PROBLEM + "# inspect=broken\n")
    assert """ 'it'"'"'s a file;.py'\n""" in example.run("it's a file;.py").output


def test_a_judge_that_failed_is_told_by_its_last_line(example: Example) -> None:
    example.script(candidate("error"))
    output = example.run("none.py").output
    assert "\nnone.py: judge_error: the executor died\n  again: pytest --kernelfalcon " in output


def test_a_candidate_that_breaks_the_problem(example: Example) -> None:
    example.script(BAD, candidate("breaks"))
    assert "\nnone.py: broken (problem_memory): " in example.run("none.py").output
