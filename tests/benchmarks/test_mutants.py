"""Mutants of kept kernels: what is drawn, and what a run makes of the judge's verdicts."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.mutants.draw import Mutant, mutants, originals
from benchmarks.mutants.record import Record, Score, explained, kind_of
from pytest_kernelfalcon.contracts.causes import Cause
from pytest_kernelfalcon.contracts.problem import sha256
from pytest_kernelfalcon.judge.verdict import Verdict
from tests.conftest import KERNEL, PROBLEM, ROOT

ROW = '''import torch
import triton
import triton.language as tl


@triton.jit
def softmax(x_ptr, y_ptr, stride_0, stride_1, n, BLOCK: tl.constexpr):
    """One row a program."""
    at = tl.arange(0, BLOCK)
    offsets = tl.program_id(0) * stride_0 + at * stride_1
    x = tl.load(x_ptr + offsets, mask=at < n, other=float("-inf"))
    shifted = x - tl.max(x, axis=0)
    total = tl.sum(tl.exp(shifted), axis=0)
    tl.store(y_ptr + tl.program_id(0) * n + at, tl.exp(shifted) / (total + 1e-9), mask=at < n)


def kernel_function(x):
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    softmax[(x.shape[0],)](x, y, x.stride(0), x.stride(1), x.shape[1], BLOCK=64)
    return y
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kernels = tmp_path / "level1" / "__kernels__"
    kernels.mkdir(parents=True)
    for name, kernel in (("1_add.py", KERNEL), ("2_softmax.py", ROW)):
        (tmp_path / "level1" / name).write_text(PROBLEM)
        (kernels / name).write_text(kernel)
    return tmp_path


def drawn(folder: Path, seed: int = 1) -> list[Mutant]:
    return [*mutants(originals(folder), seed)]


def test_the_same_seed_draws_the_same_ones_and_another_one_others(folder: Path) -> None:
    first = [mutant.source for mutant in drawn(folder)]
    assert first == [mutant.source for mutant in drawn(folder)]
    assert first != (other := [mutant.source for mutant in drawn(folder, 2)])
    assert sorted(first) == sorted(other), "in another order"


def test_each_is_another_program_of_one_change(folder: Path) -> None:
    found = drawn(folder)
    programs = [ast.dump(ast.parse(mutant.source)) for mutant in found]
    assert len(set(programs)) == len(programs) > 60
    for mutant in found:
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(mutant.original.source))
        changed = [line for line in mutant.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
        assert " ".join(" ".join(line[1:] for line in changed).split()) == mutant.before


@pytest.mark.parametrize(
    ("operator", "after"),
    [
        ("off_by_one", 'x = tl.load(x_ptr + offsets, mask=at < n - 1, other=float("-inf"))'),
        ("comparison", 'x = tl.load(x_ptr + offsets, mask=at <= n, other=float("-inf"))'),
        ("mask_dropped", "x = tl.load(x_ptr + offsets)"),
        ("other_dropped", "x = tl.load(x_ptr + offsets, mask=at < n)"),
        ("initial_value", "x = tl.load(x_ptr + offsets, mask=at < n, other=0.0)"),
        ("strides_swapped", "offsets = tl.program_id(0) * stride_1 + at * stride_0"),
        ("function", "shifted = x - tl.min(x, axis=0)"),
        ("operands_swapped", "shifted = tl.max(x, axis=0) - x"),
        ("eps", "tl.store(y_ptr + tl.program_id(0) * n + at, tl.exp(shifted) / (total + 0.0), mask=at < n)"),
        ("grid", "softmax[(x.shape[0] - 1,)](x, y, x.stride(0), x.stride(1), x.shape[1], BLOCK=64)"),
        ("arguments_swapped", "softmax[(x.shape[0],)](x, y, x.stride(1), x.stride(0), x.shape[1], BLOCK=64)"),
        ("output_type", "y = torch.empty(x.shape, dtype=torch.float16, device=x.device)"),
        ("statement_dropped", "pass"),
        ("precision", "total = tl.sum(tl.exp(shifted), axis=0).to(tl.float16).to(tl.float32)"),
    ],
)
def test_what_an_operator_makes(folder: Path, operator: str, after: str) -> None:
    made = {mutant.after for mutant in drawn(folder) if mutant.operator == operator}
    assert after in made, sorted(made)


SCALED = '''import torch
import triton
import triton.language as tl


@triton.jit
def scale(x_ptr, scale_ptr, y_ptr, numel, features, scale_stride_0, BLOCK: tl.constexpr):
    """Features by a scale each."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel
    index = offsets % features
    x = tl.load(x_ptr + offsets, mask=mask)
    factor = tl.load(scale_ptr + index * scale_stride_0, mask=mask)
    zero = tl.load(scale_ptr + index * scale_stride_0, mask=mask, other=0.0)
    tl.store(y_ptr + offsets, x * factor + zero, mask=mask)


def kernel_function(x, scales):
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    scale[(triton.cdiv(x.numel(), 64),)](x, scales, y, x.numel(), x.shape[1], scales.stride(0), BLOCK=64)
    return y
'''


def test_a_mask_stays_where_no_lane_leaves_the_tensor(folder: Path) -> None:
    (folder / "level1" / "__kernels__" / "1_add.py").write_text(SCALED)
    made = {mutant.after for mutant in drawn(folder) if mutant.operator == "mask_dropped"}
    assert "x = tl.load(x_ptr + offsets)" in made
    assert "zero = tl.load(scale_ptr + index * scale_stride_0)" in made, "its masked lanes are promised zeros"
    assert "factor = tl.load(scale_ptr + index * scale_stride_0)" not in made


def test_an_output_gets_no_type_that_the_problem_has(folder: Path) -> None:
    problem = folder / "level1" / "2_softmax.py"
    assert any(mutant.operator == "output_type" for mutant in drawn(folder))
    problem.write_text(problem.read_text() + "\n\nhalf = torch.float16\n")
    names = {mutant.original.name for mutant in drawn(folder) if mutant.operator == "output_type"}
    assert "level1/2_softmax" not in names


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict("accepted", "done"), "accepted"),
        (Verdict("specialised", "done"), "accepted"),
        (Verdict("refused", "run", Cause.INACCURATE), "refused"),
        (Verdict("refused", "run", Cause.OUT_OF_BOUNDS), "refused"),
        (Verdict("refused", "run", Cause.KERNEL_RAISED), "stillborn"),
        (Verdict("refused", "compile", Cause.COMPILE_ERROR), "stillborn"),
        (Verdict("undecided", "run", Cause.NOT_RUNNABLE), "undecided"),
    ],
)
def test_only_what_ran_counts(verdict: Verdict, kind: str) -> None:
    assert kind_of(verdict) == kind


def test_every_explanation_is_of_a_kept_kernel_and_has_a_reason() -> None:
    known = explained()
    sources = {original.name: " ".join(original.source.split()) for original in originals(ROOT / "problems")}
    assert all(before in sources[name] for name, _, before, _ in known), "an explanation of a line that is gone"


def results(folder: Path, kinds: list[str]) -> Path:
    """A file with all that a run over the first mutants would find."""
    lines = []
    for mutant, kind in zip(islice(mutants(originals(folder), 1), len(kinds)), kinds, strict=True):
        cause = {"stillborn": Cause.KERNEL_RAISED, "refused": Cause.INACCURATE}.get(kind)
        outcome = "refused" if cause else "accepted"
        verdict = Verdict(outcome, "run", cause, platform="cpu", kernel_sha256=sha256(mutant.source))
        record = Record.of(mutant, verdict, 0.5)
        lines.append(json.dumps(record.to_json()) + "\n")
    file = folder / "results.jsonl"
    file.write_text("".join(lines))
    return file


def command(folder: Path, out: Path, count: int, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "benchmarks.mutants", "--problems", str(folder), "--seed", "1", "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*words, "--count", str(count), *more], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_a_finished_run_judges_nothing_again_and_shows_the_survivor(folder: Path) -> None:
    kinds = ["refused", "stillborn", "accepted", "refused", "stillborn"]
    file = results(folder, kinds)
    before = file.read_text()
    run = command(folder, file, 3)
    assert run.returncode == 1, run.stderr
    assert "3 ran: 2 refused, 0 explained, 1 neither: 66.67 % (goal: 99 %)" in run.stdout
    assert "| all | 4 | 1 | 2 | 0 | 1 |" in run.stdout
    assert "+++ mutant" in run.stdout
    assert file.read_text() == before
    assert command(folder, file, 3, "--goal", "60").returncode == 0


def test_what_is_missing_is_judged(folder: Path) -> None:
    """Of a problem to which the kernel of the other does not belong every mutant is refused."""
    (folder / "level1" / "__kernels__" / "1_add.py").unlink()
    run = command(folder, folder / "new.jsonl", 1, "--jobs", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 ran: 1 refused" in run.stdout
    again = command(folder, folder / "new.jsonl", 1)
    assert again.stdout.splitlines()[1:] == run.stdout.splitlines()[1:]


def test_an_explained_survivor_does_not_count() -> None:
    words = ("level1/1_add", 0, "cpu", "comparison", "add_one", 1, "a", "b", "accepted", "accepted")
    record = Record(*words, None, "", 0.1, "", "")
    assert Score.of([record], {}).percent == 0
    score = Score.of([record], {record.key: "the same function"})
    assert (score.percent, score.survivors) == (100, [])


def test_a_folder_without_kernels_is_a_usage_error(tmp_path: Path) -> None:
    run = command(tmp_path, tmp_path / "out.jsonl", 1)
    assert run.returncode == 2
    assert "holds no kept kernels" in run.stderr
