"""Kernels in KernelBench's own form, from a folder: judged, kept, and judged again."""

from __future__ import annotations

import pytest

from tests.conftest import Example

LINEAR = """import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.LayerNorm(features)

    def forward(self, x, shift=0.5):
        return x * self.norm.weight + self.norm.bias + shift


batch = 4
features = 32


def get_inputs():
    return [torch.randn(batch, features)]


def get_init_inputs():
    return [features]
"""
ANSWER = """import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def affine(x_ptr, w_ptr, b_ptr, y_ptr, shift, features, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    mask = at < features
    x = tl.load(x_ptr + row * features + at, mask=mask)
    w = tl.load(w_ptr + at, mask=mask)
    b = tl.load(b_ptr + at, mask=mask)
    tl.store(y_ptr + row * features + at, x * w + b + shift, mask=mask)


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.LayerNorm(features)

    def forward(self, x, shift=0.5):
        x = x.contiguous()
        y = torch.empty_like(x)
        block = triton.next_power_of_2(x.shape[1])
        affine[(x.shape[0],)](x, self.norm.weight, self.norm.bias, y, shift, x.shape[1], BLOCK=block)
        return y
"""


@pytest.mark.usefixtures("shared")
def test_the_right_one_of_two_is_kept_and_judged_again(example: Example) -> None:
    example.problem("problems/level1/1_affine.py", LINEAR)
    example.problem("problems/level1/2_affine.py", LINEAR + "# another\n")
    example.write("answers/level1/1_affine.py", ANSWER)
    example.write("answers/level1/2_affine.py", ANSWER.replace(" + b + shift", " + shift"))
    run = example.run(
        "problems", "--kernelfalcon-author=dir/answers", "--kernelfalcon-update", "--kernelfalcon-seeds=1"
    )
    outcomes = {problem["path"]: problem["outcome"] for problem in run.report["problems"]}
    assert outcomes == {"problems/level1/1_affine.py": "accepted", "problems/level1/2_affine.py": "no_kernel"}
    (accept,) = (text for name, text in run.texts.items() if "2_affine" in name and name.endswith("accept"))
    assert "refused: inaccurate" in accept
    kernels = example.path / "problems/level1/__kernels__"
    assert sorted(path.name for path in kernels.iterdir()) == ["1_affine.json", "1_affine.py"]
    assert (kernels / "1_affine.py").read_text() == ANSWER
    again = example.run("problems/level1/1_affine.py", "--kernelfalcon-frozen")
    assert set(again.ended.values()) == {"PASSED"}, again.output
    assert again.problem()["kept"] == "fresh"
