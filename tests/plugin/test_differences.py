"""On a pull request: what each changed kernel takes of a GPU, before and after."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.problem import sha256
from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import FakeJudge, candidate
from tests.plugin.repository import commit, git
from tests.plugin.test_stopping import spawn

CHANGED = ("--kernelfalcon-changed=main", "--kernelfalcon-frozen")
BEFORE, AFTER = candidate(name="registers=40"), candidate(name="registers=48")


def keep(example: Example, name: str, kernel: str, problem: str = PROBLEM) -> None:
    """A problem, its kernel, and a manifest that vouches for both."""
    example.problem(f"{name}.py", problem)
    example.write(f"__kernels__/{name}.py", kernel)
    manifest = {"schema": 1, "problem_sha256": sha256(problem), "kernel_sha256": sha256(kernel), "author": "me",
                "contracts": [], "verdicts": {}, "versions": {}}  # fmt: skip
    example.write(f"__kernels__/{name}.json", json.dumps(manifest))


@pytest.fixture
def repository(example: Example) -> Path:
    keep(example, "add", BEFORE)
    keep(example, "other", BEFORE, PROBLEM + "# other\n")
    git(example.path, "init", "--quiet", "--initial-branch=main")
    commit(example.path)
    git(example.path, "checkout", "--quiet", "-b", "work")
    return example.path


def changed(run: Run) -> dict[str, Any]:
    found = run.problem()["changed"]
    assert isinstance(found, dict)
    return found


pytestmark = pytest.mark.usefixtures("judge", "repository")


def test_a_changed_kernel_is_shown_before_and_after(example: Example, judge: FakeJudge) -> None:
    keep(example, "add", AFTER)
    run = example.run(".", *CHANGED)
    assert run.ret == 0
    assert re.search(r"^-+ kernels since main \([0-9a-f]{10}\) -+$", run.output, re.MULTILINE)
    assert re.search(
        r"^add\.py +changed +accepted +sm_90 +ok → ok +40 → 48 +0 → 0 +512 → 512$", run.output, re.MULTILINE
    )
    assert "other.py" not in run.output
    found = changed(run)
    assert (found["ref"], found["problem_was"], found["kernel_was"]) == ("main", "same", "changed")
    assert found["base"] == git(example.path, "rev-parse", "main").strip()
    assert found["before"]["targets"]["sm_90"]["registers"] == 40
    assert found["after"]["targets"]["sm_90"]["registers"] == 48
    assert judge.asked.count(("figures", BEFORE)) == 1


def test_what_is_committed_of_verdicts_is_not_believed(example: Example) -> None:
    """Neither today's manifest nor the base's decides about a figure."""
    for kernel in (BEFORE, AFTER):
        keep(example, "add", kernel)
        path = example.path / "__kernels__" / "add.json"
        verdict = {"outcome": "accepted", "targets": {"sm_90": {"status": "ok", "registers": 1}}}
        path.write_text(json.dumps(json.loads(path.read_text()) | {"verdicts": {"cpu": verdict}}))
        commit(example.path)
        if kernel is BEFORE:
            git(example.path, "branch", "--force", "main", "work")
    assert "40 → 48" in example.run(".", *CHANGED).output


def test_a_new_kernel_has_no_before(example: Example, judge: FakeJudge) -> None:
    keep(example, "new", AFTER)
    run = example.run(".", *CHANGED)
    assert re.search(
        r"^new\.py +new, problem new +accepted +sm_90 +– → ok +– → 48 +– → 0 +– → 512$", run.output, re.MULTILINE
    )
    assert changed(run)["before"] is None
    assert not [gate for gate, _ in judge.asked if gate == "figures"]


def test_a_deleted_kernel_fails_and_is_shown(example: Example) -> None:
    (example.path / "__kernels__" / "add.py").unlink()
    run = example.run(".", *CHANGED)
    assert run.ret == 1
    assert re.search(r"^add\.py +removed +no_kernel +– +– → –", run.output, re.MULTILINE)


def test_a_refused_kernel_is_shown_with_its_figures(example: Example) -> None:
    keep(example, "add", candidate("accepted", "refused", "registers=255"))
    run = example.run(".", *CHANGED)
    assert run.ret == 1
    assert re.search(r"^add\.py +changed +refused +sm_90 +ok → ok +40 → 255", run.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("says", "shown"),
    [("compiles=no", "error → ok +– → 48"), ("compiles=error", "judge_error → ok +– → 48")],
)
def test_that_the_old_kernel_has_no_figures_is_told_and_is_no_failure(example: Example, says: str, shown: str) -> None:
    keep(example, "add", candidate(name=says))
    commit(example.path)
    git(example.path, "branch", "--force", "main", "work")
    keep(example, "add", AFTER)
    run = example.run(".", *CHANGED)
    assert run.ret == 0
    assert re.search(rf"^add\.py +changed +accepted +sm_90 +{shown}", run.output, re.MULTILINE)
    assert "add.py, before: " in run.output


def test_a_changed_problem_is_said_and_the_old_kernel_is_compiled_for_the_old_one(
    example: Example, judge: FakeJudge
) -> None:
    keep(example, "add", AFTER, PROBLEM + "# easier\n")
    run = example.run(".", *CHANGED)
    assert re.search(r"^add\.py +changed, problem changed +accepted +sm_90 +ok → ok +40 → 48", run.output, re.MULTILINE)
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "accept", "inspect", "figures"]


def test_an_old_problem_that_was_none_is_told(example: Example) -> None:
    example.problem("add.py", "class Model: pass\n")
    commit(example.path)
    git(example.path, "branch", "--force", "main", "work")
    keep(example, "add", AFTER)
    run = example.run(".", *CHANGED)
    assert run.ret == 0
    assert "add.py, before: the problem was broken" in run.output


def test_a_step_summary_has_the_table(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = example.write("summary.md", "# earlier\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    keep(example, "add|<b>", AFTER)
    example.run(".", *CHANGED)
    lines = summary.read_text().splitlines()
    assert lines[0] == "# earlier"
    (row,) = [line for line in lines if "sm" in line]
    assert row.startswith("| add&#124;&#60;b&#62;.py | new, problem new | accepted | sm&#95;90 | – → ok | – → 48 |")
    assert {line.count(" | ") for line in lines if line.startswith("| ") and "---" not in line} == {7}


def test_without_changes_there_is_no_summary(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(example.path / "summary.md"))
    assert "kernels since" not in example.run(".", *CHANGED).output
    assert not (example.path / "summary.md").exists()


def test_a_summary_that_cannot_be_written_is_no_failure(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(example.path))
    keep(example, "add", AFTER)
    run = example.run(".", *CHANGED)
    assert run.ret == 0
    assert "GITHUB_STEP_SUMMARY: " in run.output


def test_with_workers_one_of_them_compiles_the_old_kernel(example: Example) -> None:
    keep(example, "add", AFTER)
    process = spawn(example, ".", *CHANGED, "-n2", "--dist=each")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    assert re.search(r"^add\.py +changed +accepted +sm_90 +ok → ok +40 → 48", output, re.MULTILINE)
    (path,) = example.path.glob(".fuse/2*/events.jsonl")
    assert path.read_text().count('"event": "before"') == 1
