"""What is shown and written about a run."""

from __future__ import annotations

import json
import re

import pytest

from pytest_kernelfalcon.store import digest, events
from tests.conftest import PROBLEM, ROOT, Example
from tests.plugin.conftest import BAD, FakeJudge


@pytest.fixture(autouse=True)
def mixed(example: Example, judge: FakeJudge) -> None:
    """Four problems, one of each end, the outcome being the name."""
    example.problem("accepted.py")
    example.problem("broken.py", "class Model(:\n")
    example.problem("judge_error.py", PROBLEM + "# inspect=error\n")
    example.problem("no_kernel.py")
    example.script(BAD)
    example.write("only/round0.py", BAD)
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")


def test_the_report_counts_and_tells_every_problem(example: Example, knowing: None) -> None:
    run = example.run(".")
    report = run.report
    assert report["schema"] == 1
    assert {problem["path"]: problem["outcome"] for problem in report["problems"]} == {
        "accepted.py": "accepted", "broken.py": "broken", "judge_error.py": "judge_error", "no_kernel.py": "no_kernel",
    }  # fmt: skip
    totals = report["totals"]
    counts = {"problems": 4, "accepted": 1, "broken": 1, "no_kernel": 1, "judge_error": 1, "refused": 0}
    assert {name: totals[name] for name in counts} == counts
    assert totals["rounds_mean"] == 1.0
    assert 0 < totals["worker_utilisation"] <= 1
    assert set(report["versions"]) == {"python", "pytest", "pytest-kernelfalcon", "torch", "triton"}
    assert report["machine"]["platform"] == "cpu"
    (accepted,) = [problem for problem in report["problems"] if problem["outcome"] == "accepted"]
    (subgraph,) = accepted["subgraphs"]
    assert {name: subgraph[name] for name in ("id", "outcome", "seed", "round", "rounds")} == {
        "id": "model", "outcome": "accepted", "seed": 0, "round": 0, "rounds": 1,
    }  # fmt: skip
    assert subgraph["verdict"]["worst"]["error_over_eager"] == 1.25


def test_the_table_and_the_way_back_to_each_failure(example: Example, knowing: None) -> None:
    run = example.run(".", "--kernelfalcon-rounds=3")
    lines = run.output.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("problem  "))
    assert re.fullmatch(r"=+ kernelfalcon =+", lines[header - 1])
    rows = [re.split(r" {2,}", line) for line in lines[header : header + 5]]
    assert rows[0] == ["problem", "outcome", "subgraphs", "winner", "rounds", "cases", "error/eager", "time"]
    assert rows[1][:3] + rows[1][4:7] == ["accepted.py", "accepted", "1", "1", "8", "1.25"]
    assert rows[1][3].endswith("seed[0] round 0")
    assert rows[2][:7] == ["broken.py", "broken", "-", "-", "-", "-", "-"]
    assert rows[4][:7] == ["no_kernel.py", "no_kernel", "1", "-", "1", "8", "-"]
    broken = lines.index("broken.py:1: broken (problem_syntax): syntax error: invalid syntax")
    assert lines[broken + 1].startswith("  again: pytest --kernelfalcon --kernelfalcon-author=")
    assert lines[broken + 1].endswith(" --kernelfalcon-rounds=3 broken.py")
    assert "judge_error.py: judge_error: the zygote died" in lines
    assert not any(line.startswith("accepted.py:") and "again" in line for line in lines)


def test_the_header_says_what_was_chosen(example: Example) -> None:
    run = example.run("accepted.py", "--kernelfalcon-author=scripted/only", "--kernelfalcon-frozen")
    run_id = run.report["run_id"]
    assert (
        f"kernelfalcon: author scripted/only, platform cpu, device fake, sandbox auto, frozen, run .fuse/{run_id}"
        in run.output
    )


def test_the_header_names_what_is_missing_of_the_sandbox(example: Example, judge: FakeJudge) -> None:
    judge.lacks += ["Landlock (not there)", "filter of system calls (EPERM)"]
    run = example.run("accepted.py", "--kernelfalcon-author=scripted/only")
    assert "sandbox auto without Landlock (not there); filter of system calls (EPERM), run" in run.output
    assert "sandbox auto, run" in example.run("accepted.py", "--collect-only").output


def test_everything_is_a_digest_of_the_record(example: Example) -> None:
    run = example.run(".")
    folder = example.path / ".fuse" / run.report["run_id"]
    record = events.read(folder / "events.jsonl")
    assert (
        digest.report(run.report["run_id"], record) == run.report == json.loads((folder / "summary.json").read_text())
    )
    assert {event["event"] for event in record} == {
        "run", "problem", "begin", "plan", "broken", "round", "seed", "no_kernel", "judge_error", "item", "finish",
    }  # fmt: skip


def test_the_documentation_lists_every_event_and_its_facts(example: Example, knowing: None) -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    told: dict[str, set[str]] = {}
    name = ""
    for line in text.partition("### Record")[2].splitlines():
        if (cells := line.split(" | ")) and line.startswith("| ") and len(cells) == 3:
            name = cells[0].strip("| `") or name
            told.setdefault(name, {"event", "time", "worker"}).update(re.findall(r"\w+", cells[2]))
    example.run(".", "--kernelfalcon-update")
    kinds = set()
    for path in example.path.glob(".fuse/2*/events.jsonl"):
        for event in events.read(path):
            kinds.add(event["event"])
            assert set(event) <= told[event["event"]], event
    elsewhere = {"before", "set_aside"}  # of a repository, and of damage: test_differences.py, test_resume.py
    elsewhere |= {"asked", "call", "call_again", "unusable", "left_out", "spent"}  # of language models: test_money.py
    elsewhere |= {"diverged", "differs"}  # of replays: test_replay.py
    assert kinds | elsewhere == set(told) - {"event"}


def test_the_report_is_written_where_nothing_was_collected(example: Example) -> None:
    (example.path / "empty").mkdir()
    run = example.run("empty")
    assert run.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert run.report["problems"] == []
    assert "= kernelfalcon =" not in run.output


def test_the_folder_of_the_report_is_made(example: Example) -> None:
    example.run("accepted.py", "--kernelfalcon-json=deep/er/report.json")
    assert json.loads((example.path / "deep" / "er" / "report.json").read_text())["schema"] == 1
