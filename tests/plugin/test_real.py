"""Whole runs with the real judge and real kernels."""

from __future__ import annotations

import json

import pytest

from pytest_kernelfalcon.contracts.problem import sha256
from tests.conftest import KERNEL, PROBLEM, WRONG_KERNEL, Example

UNMASKED = KERNEL.replace("mask = offsets < n", "mask = offsets < n - 1")


@pytest.mark.usefixtures("shared")
def test_a_kernel_is_synthesised_kept_and_judged_again(example: Example) -> None:
    example.problem("1_add.py")
    run = example.run("1_add.py", "--kernelfalcon-author=cookbook", "--kernelfalcon-update", "--kernelfalcon-seeds=1")
    assert set(run.ended.values()) == {"WON", "PASSED"}, run.output
    kernel = example.path / "__kernels__" / "1_add.py"
    assert "@triton.jit" in kernel.read_text()
    manifest = json.loads(kernel.with_suffix(".json").read_text())
    assert manifest["verdicts"]["cpu"]["targets"]["sm_90"]["status"] == "ok"
    kept = example.run("1_add.py", "--kernelfalcon-frozen")
    assert kept.ended == {"1_add.py::model::accept": "PASSED", "1_add.py::compose": "PASSED"}
    verdict = kept.problem()["subgraphs"][0]["verdict"]
    assert verdict["kernel_sha256"] == sha256(kernel.read_text())
    assert verdict["cases"] >= 8
    again = example.run("1_add.py", "--kernelfalcon-update")
    assert again.ret == 0
    assert json.loads(kernel.with_suffix(".json").read_text()) == manifest, "an unchanged kernel is not written again"


@pytest.mark.usefixtures("shared")
def test_a_seed_goes_on_after_a_wrong_round(example: Example) -> None:
    example.problem("add.py")
    example.script(WRONG_KERNEL, KERNEL)
    run = example.run("add.py", "--kernelfalcon-seeds=1")
    assert set(run.ended.values()) == {"WON", "PASSED"}, run.output
    (first,) = example.path.glob(".fuse/*/add-*/kernels_out/model/seed0/round0/verdict.json")
    verdict = json.loads(first.read_text())
    assert (verdict["outcome"], verdict["cause"]) == ("refused", "inaccurate")
    assert verdict["worst"]["got"] == pytest.approx(verdict["worst"]["want"] + 1.0, abs=1e-4)
    assert run.problem()["subgraphs"][0]["round"] == 1


@pytest.mark.usefixtures("shared")
def test_a_wrong_kernel_never_wins_and_its_fault_is_told(example: Example) -> None:
    example.problem("add.py")
    example.script(UNMASKED)
    run = example.run("add.py", "--kernelfalcon-seeds=1")
    assert run.ended == {
        "add.py::model::seed[0]": "LOST", "add.py::model::accept": "FAILED", "add.py::compose": "FAILED",
    }  # fmt: skip
    assert "refused: unwritten_output" in run.texts["add.py::model::accept"]
    assert "fix: launch enough programs and check the store's mask" in run.texts["add.py::model::accept"]


@pytest.mark.usefixtures("shared")
def test_a_kept_kernel_that_was_changed_with_its_manifest_is_refused(example: Example) -> None:
    example.problem("add.py")
    example.script(KERNEL)
    example.run("add.py", "--kernelfalcon-seeds=1", "--kernelfalcon-update")
    kernel = example.path / "__kernels__" / "add.py"
    kernel.write_text(UNMASKED)
    manifest = kernel.with_suffix(".json")
    manifest.write_text(manifest.read_text().replace(sha256(KERNEL), sha256(UNMASKED)))
    run = example.run("add.py", "--kernelfalcon-frozen")
    assert run.ended == {"add.py::model::accept": "FAILED", "add.py::compose": "FAILED"}
    assert "unwritten_output" in run.texts["add.py::model::accept"]
    assert run.problem()["outcome"] == "refused"


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (("import torch\n", "import torch, os; os._exit(3)\n"), "problem_exit"),
        (("return x + 1.0", "raise KeyError('w')"), "problem_forward"),
        (("return x + 1.0", "return x + torch.rand(1)"), "problem_random"),
        (("return x + 1.0", "return None"), "problem_no_tensor"),
    ],
)
def test_a_broken_problem_is_one_failing_item(example: Example, change: tuple[str, str], cause: str) -> None:
    example.problem("add.py", PROBLEM.replace(*change))
    run = example.run("add.py", "--kernelfalcon-seeds=1")
    assert [name for name, word in run.ended.items() if word == "FAILED"] == ["add.py::compose"]
    assert "ERROR" not in run.ended.values()
    assert run.problem()["cause"] == cause
    assert run.texts["add.py::compose"].startswith("add.py")
