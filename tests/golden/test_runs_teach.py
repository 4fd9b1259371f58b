"""What a run of pytest says at an item without a kernel: the causes of the search, and of kept kernels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.store.kept import Kept, Manifest
from tests.conftest import PROBLEM, Example
from tests.plugin.conftest import candidate, judge

from .expectation import expect, normal

__all__ = ["judge"]  # a fixture

pytestmark = pytest.mark.usefixtures("judge")


def said(example: Example, name: str, item: str, *arguments: str) -> None:
    """Runs pytest; what it says at that item must be the golden text of that name."""
    text = example.run("add.py", "--kernelfalcon-rounds=1", "--kernelfalcon-seeds=2", *arguments).texts[
        f"add.py::{item}"
    ]
    text = re.sub(r"\.fuse/[\w-]+/", ".fuse/{run}/", text.replace(str(example.path), "{folder}"))
    text = re.sub(r"(?<=may take )[\d,]+", "{number}", text)  # hangs on the words of the prompts
    expect(name, normal(text) + "\n")


def keep(example: Example, kernel: str, problem: str = PROBLEM) -> None:
    """A kept kernel, made for that text of the problem."""
    path = example.problem()
    kept = Kept.of(path, example.path, None)
    kept.save(kernel, Manifest(sha256(problem), sha256(kernel), "cookbook", [], {}))
    assert kept.status(Problem.load(path)) == ("fresh" if problem == PROBLEM else "stale")


def test_no_author_has_a_candidate(example: Example) -> None:
    example.problem()
    said(example, Cause.EXHAUSTED, "model::accept")


def test_no_seed_finds_a_kernel(example: Example) -> None:
    example.problem()
    example.script(candidate("refused"))
    said(example, Cause.UNSOLVED, "model::accept")


def test_the_budget_is_spent(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="openai is not installed: no model can be asked here")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    example.problem()
    said(
        example, Cause.BUDGET_SPENT, "model::accept", "--kernelfalcon-author=openai/m", "--kernelfalcon-budget=2ktokens"
    )


def test_each_refused_round_leaves_its_script(example: Example) -> None:
    example.problem()
    example.script(candidate("refused", name="case"))
    said(example, "unsolved_repro", "model::accept")
    scripts = sorted(str(path.relative_to(example.path)) for path in example.path.glob(".fuse/*/*/**/repro.py"))
    assert [path.split("/model/")[1] for path in scripts] == ["seed0/round0/repro.py", "seed1/round0/repro.py"]


def test_the_item_of_the_whole_problem_says_it_in_a_line(example: Example) -> None:
    example.problem()
    example.script(candidate("refused"))
    said(example, "unsolved_compose", "compose")


def test_a_search_that_cannot_tell(example: Example) -> None:
    example.problem()
    example.script(candidate("undecided"))
    said(example, "undecided_search", "model::accept")


def test_a_frozen_run_has_no_kernel(example: Example) -> None:
    example.problem()
    said(example, Cause.KEPT_MISSING, "compose", "--kernelfalcon-frozen")


def test_a_frozen_run_has_a_kernel_for_another_text(example: Example) -> None:
    keep(example, candidate(), PROBLEM.replace("x + 1.0", "x + 2.0"))
    said(example, Cause.KEPT_STALE, "compose", "--kernelfalcon-frozen")


def test_a_kept_kernel_is_refused(example: Example) -> None:
    keep(example, candidate(accept="refused", name="case"))
    said(example, "kept_refused", "model::accept")
    assert [path.parent.name for path in example.path.glob(".fuse/*/*/**/repro.py")] == ["model"]


def test_a_kept_kernel_cannot_be_judged_here(example: Example) -> None:
    keep(example, candidate(accept="undecided"))
    said(example, "kept_undecided", "model::accept")


def test_a_file_that_is_no_problem(example: Example) -> None:
    (Path(example.path) / "add.py").write_text("class Model(:\n    pass\n\n\ndef get_inputs():\n    return []\n")
    run = example.run("add.py")
    ((_, text),) = run.texts.items()
    expect("no_problem_item", normal(text.replace(str(example.path), "{folder}")) + "\n")
