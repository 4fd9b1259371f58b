"""A model's answers before the real judge: each fault is told as it is, and the right kernel is accepted."""

from __future__ import annotations

import json

import pytest

from tests.conftest import KERNEL, PROBLEM, Example
from tests.wire import model
from tests.wire.model import Model
from tests.wire.running import Wired
from tests.wire.server import wire

COMPUTES = KERNEL.replace("    return out", "    return torch.add(x, 1.0)")
DOES_NOT_COMPILE = KERNEL.replace("BLOCK=64", "BLOCK=60").replace("(n, 64)", "(n, 60)")
UNMASKED = KERNEL.replace("x_ptr + offsets, mask=mask", "x_ptr + offsets + 7")
INACCURATE = KERNEL.replace("x + 1.0", "x + 1.001")
NO_PYTHON = KERNEL.replace("def kernel_function(x):", "def kernel_function(x:")

FAULTS = {
    "torch_operation": model.talking(COMPUTES),
    "compile_error": model.unclosed(DOES_NOT_COMPILE),
    "out_of_bounds": model.code(UNMASKED),
    "inaccurate": model.wrongly_fenced(INACCURATE),
    "source_syntax": model.code(NO_PYTHON),
}


@pytest.mark.usefixtures("shared")
def test_a_model_is_told_each_fault_and_its_right_kernel_is_accepted(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.problem("one.py")
    wired = Wired(example, None, monkeypatch)
    script = Model({"Adds one.": [*FAULTS.values(), model.code(KERNEL)]})
    with wire(script) as server:
        run = wired.run("messages", server, "one.py")
    assert run.ret == 0, run.output
    assert [one["verdict"]["cause"] for one in wired.events("round")] == [*FAULTS, None]
    for asked, cause in zip(script.asked[1:], FAULTS, strict=True):
        assert f"refused: {cause}" in asked.messages[-1][1], "the verdict comes with the next question"
    (verdict,) = example.path.glob(".fuse/2*/*/kernels_out/model/seed0/round5/verdict.json")
    assert json.loads(verdict.read_text())["outcome"] == "accepted"
    assert PROBLEM.strip() in script.asked[0].prompt


ROLLED = PROBLEM.replace("return x + 1.0", "return torch.roll(x, 1)").replace("Adds one.", "Moves all by one.")
ROLLS = KERNEL.replace("x_ptr + offsets, mask=mask", "x_ptr + (offsets + n - 1) % n, mask=mask").replace("x + 1.0", "x")


@pytest.mark.usefixtures("shared")
def test_a_model_is_asked_where_the_cookbook_has_no_recipe_and_only_there(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.problem("one.py")
    example.problem("rolled.py", ROLLED)
    wired = Wired(example, None, monkeypatch)
    script = Model({"Moves all by one.": [model.code(ROLLS)]})
    with wire(script) as server:
        mixed = ("--kernelfalcon-author=cookbook,openai/m-1", "--kernelfalcon-seeds=1")
        run = wired.run("responses", server, *mixed, "one.py", "rolled.py")
    assert run.ret == 0, run.output
    authors = {one["path"]: one["subgraphs"][0]["author"] for one in run.report["problems"]}
    assert authors == {"one.py": "cookbook", "rolled.py": "openai/m-1"}
    assert [asked.problem for asked in script.asked] == ["Moves all by one."]
