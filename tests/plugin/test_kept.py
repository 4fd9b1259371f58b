"""Kept kernels: judged again, found stale, written, ignored, and what a frozen run does without them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import PROBLEM, Example, Run
from tests.plugin.conftest import BAD, GOOD, FakeJudge, candidate

ACCEPT, COMPOSE = "add.py::model::accept", "add.py::compose"


@pytest.fixture(autouse=True)
def one_seed(example: Example, judge: FakeJudge) -> None:
    example.problem()
    example.script(GOOD)
    example.pytester.makeini("[pytest]\nkernelfalcon_seeds = 1\n")


def keep(example: Example, judge: FakeJudge, source: str = GOOD) -> Path:
    """Synthesises and keeps; what the kernel says of itself is then made what it is to be."""
    example.run("add.py", "--kernelfalcon-update", "--kernelfalcon-fresh")
    kernel = example.path / "__kernels__" / "add.py"
    manifest = kernel.with_suffix(".json")
    if source != GOOD:
        from pytest_kernelfalcon.contracts.problem import sha256

        kernel.write_text(source)
        manifest.write_text(manifest.read_text().replace(sha256(GOOD), sha256(source)))
    judge.asked.clear()
    return kernel


def named_command(text: str) -> list[str]:
    """The arguments of the command that a message tells the user to run."""
    (line,) = re.findall(r"^  pytest --kernelfalcon (.*)$", text, re.MULTILINE)
    return shlex.split(line)


def test_update_writes_the_pair_and_its_manifest(example: Example, judge: FakeJudge) -> None:
    kernel = keep(example, judge)
    assert kernel.read_text() == GOOD
    data = json.loads(kernel.with_suffix(".json").read_text())
    assert data["author"].startswith("scripted/")
    assert [contract["id"] for contract in data["contracts"]] == ["model"]
    assert data["verdicts"]["cpu"]["outcome"] == "accepted"
    assert data["versions"] == {"torch": "2"}


def test_without_update_nothing_is_kept(example: Example) -> None:
    example.run("add.py")
    assert not (example.path / "__kernels__").exists()


def test_a_fresh_kept_kernel_is_judged_again_and_nothing_else(example: Example, judge: FakeJudge) -> None:
    keep(example, judge)
    run = example.run("add.py")
    assert run.ended == {ACCEPT: "PASSED", COMPOSE: "PASSED"}
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "accept"]
    assert run.problem()["kept"] == "fresh"
    assert re.search(r"add\.py +accepted +1 +kept", run.output)


@pytest.mark.parametrize("arguments", [(COMPOSE,), (ACCEPT,)])
def test_a_kept_kernels_items_pull_too(example: Example, judge: FakeJudge, arguments: tuple[str, ...]) -> None:
    keep(example, judge)
    assert list(example.run(*arguments).ended.values()) == ["PASSED"]
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "accept"]


def test_a_refused_kept_kernel_fails_and_names_the_command_that_makes_another(
    example: Example, judge: FakeJudge
) -> None:
    kernel = keep(example, judge, candidate("accepted", "refused"))
    run = example.run("add.py")
    assert run.ended == {ACCEPT: "FAILED", COMPOSE: "FAILED"}
    assert f"{kernel}:1: output 0 is too far off" in run.texts[ACCEPT]
    assert run.texts[COMPOSE].startswith("add.py: `model`: the kept kernel is refused: output 0 is too far off")
    assert run.problem()["outcome"] == "refused"
    assert [gate for gate, _ in judge.asked].count("accept") == 1
    assert example.run(*named_command(run.texts[ACCEPT])).ret == 0
    assert kernel.read_text() == GOOD


def test_an_undecided_kept_kernel_is_skipped_with_the_reason(example: Example, judge: FakeJudge) -> None:
    keep(example, judge, candidate("accepted", "undecided"))
    run = example.run("add.py")
    assert run.ret == 0
    assert run.ended == {ACCEPT: "SKIPPED", COMPOSE: "SKIPPED"}
    assert run.texts[ACCEPT] == "Skipped: the kept kernel is undecided: cannot be run on this platform: waits"
    assert run.problem()["outcome"] == "undecided"


@pytest.mark.parametrize("change", ["problem", "kernel", "manifest"])
def test_a_stale_kernel_is_synthesised_again(example: Example, judge: FakeJudge, change: str) -> None:
    kernel = keep(example, judge)
    match change:
        case "problem":
            example.problem(text=PROBLEM + "# changed\n")
        case "kernel":
            kernel.write_text(GOOD + "# edited\n")
        case "manifest":
            kernel.with_suffix(".json").unlink()
    run = example.run("add.py")
    assert len(run.ended) == 3
    assert run.problem()["kept"] == "stale"
    assert run.problem()["subgraphs"][0]["seed"] == 0


def test_fresh_ignores_kept_kernels_and_earlier_winners(example: Example, judge: FakeJudge) -> None:
    keep(example, judge)
    run = example.run("add.py", "--kernelfalcon-fresh")
    assert [gate for gate, _ in judge.asked] == ["start", "inspect", "seed", "accept"]
    assert run.ended["add.py::model::seed[0]"] == "WON"


def test_update_leaves_an_unchanged_pair_alone(example: Example, judge: FakeJudge) -> None:
    kernel = keep(example, judge)
    before = (kernel.stat().st_mtime_ns, kernel.with_suffix(".json").stat().st_mtime_ns)
    assert example.run("add.py", "--kernelfalcon-update").ret == 0
    assert (kernel.stat().st_mtime_ns, kernel.with_suffix(".json").stat().st_mtime_ns) == before


def test_update_of_a_kept_kernel_adds_the_verdict_of_another_platform(example: Example, judge: FakeJudge) -> None:
    kernel = keep(example, judge)
    judge.platform = "cuda"
    example.run("add.py", "--kernelfalcon-update")
    assert set(json.loads(kernel.with_suffix(".json").read_text())["verdicts"]) == {"cpu", "cuda"}


def test_a_refused_kernel_is_not_kept(example: Example) -> None:
    example.script(BAD)
    example.run("add.py", "--kernelfalcon-update")
    assert not (example.path / "__kernels__").exists()


@pytest.mark.parametrize("status", ["missing", "stale"])
def test_a_frozen_run_without_a_fresh_kernel_fails_and_names_the_command(
    example: Example, judge: FakeJudge, status: str
) -> None:
    if status == "stale":
        keep(example, judge).write_text("# edited\n")
    run = example.run("add.py", "--kernelfalcon-frozen")
    assert run.ended == {COMPOSE: "FAILED"}
    assert judge.asked == [], "a frozen run starts no judge for it"
    assert run.problem()["cause"] == f"kept_{status}"
    assert example.run(*named_command(run.texts[COMPOSE])).ret == 0
    assert example.run("add.py", "--kernelfalcon-frozen").ended == {ACCEPT: "PASSED", COMPOSE: "PASSED"}


def test_the_named_command_works_where_ci_is_set(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    run = example.run("add.py")
    assert run.ended == {COMPOSE: "FAILED"}, "CI freezes"
    assert example.run(*named_command(run.texts[COMPOSE])).ret == 0
    assert example.run("add.py").ended == {ACCEPT: "PASSED", COMPOSE: "PASSED"}


def test_kernels_can_live_elsewhere(example: Example, judge: FakeJudge) -> None:
    example.problem("level1/mul.py")
    arguments = (".", "--kernelfalcon-kernels=kept")
    run = example.run(*arguments, "--kernelfalcon-update")
    assert run.ret == 0
    assert sorted(str(path.relative_to(example.path)) for path in (example.path / "kept").rglob("*.*")) == [
        "kept/add.json", "kept/add.py", "kept/level1/mul.json", "kept/level1/mul.py",
    ]  # fmt: skip
    assert not list(example.path.rglob("__kernels__"))
    again = example.run(*arguments)
    assert set(again.ended) == {ACCEPT, COMPOSE, "level1/mul.py::model::accept", "level1/mul.py::compose"}


def test_update_without_a_place_to_write_is_refused_before_anything_runs(example: Example, judge: FakeJudge) -> None:
    example.write("blocked", "in the way")
    run = example.run("add.py", "--kernelfalcon-update", "--kernelfalcon-kernels=blocked/kernels")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "--kernelfalcon-update: the kernel of add.py cannot be kept" in run.output
    assert judge.asked == []


def test_regenerating_keeps_the_settings_of_the_command_line(example: Example) -> None:
    run: Run = example.run("add.py", "--kernelfalcon-frozen", "--kernelfalcon-seeds=7", "--kernelfalcon-kernels=my dir")
    command = named_command(run.texts[COMPOSE])
    assert "--kernelfalcon-seeds=7" in command
    assert "--kernelfalcon-kernels=my dir" in command
    assert not [word for word in command if "frozen" in word or "json" in word]
