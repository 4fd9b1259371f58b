"""The example that a prompt shows is the nearest accepted kernel."""

from pathlib import Path

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem, sha256
from pytest_kernelfalcon.generator.llm.exemplars import Library, operations
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.store.kept import Kept, Manifest

SHIPPED = Path(__file__).parents[2] / "generator" / "llm" / "exemplars"
NAMES = sorted(path.name.removesuffix(".kernel.txt") for path in SHIPPED.glob("*.kernel.txt"))


def problem(forward, init=""):
    return f"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        {init}

    def forward(self, x, y):
        return {forward}


def get_inputs():
    return [torch.randn(8, 8), torch.randn(8, 8)]


def get_init_inputs():
    return []
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (problem("F.silu(x) * y"), "swiglu"),
        (problem("torch.softmax(x / 3, dim=-1)"), "softmax"),
        (problem("self.linear(x)", "self.linear = nn.Linear(8, 8)"), "linear_gelu"),
        (problem("x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)"), "rms_norm"),
        (problem("F.cross_entropy(x, y)"), "cross_entropy"),
        (problem("(x / 7).round().clamp(-128, 127).to(torch.int8)"), "quantise"),
    ],
)
def test_what_is_shipped_is_found_by_what_the_model_does(text, name):
    found = Library().nearest(text)
    assert found is not None and found.about == f"`{name}`"
    assert found.source == (SHIPPED / f"{name}.kernel.txt").read_text()


def test_nothing_in_common_is_no_example():
    assert Library().nearest(problem("torch.fft.rfft(x)")) is None


def test_a_problem_is_no_example_for_itself():
    for name in NAMES:
        found = Library().nearest((SHIPPED / f"{name}.problem.txt").read_text())
        assert found is None or found.about != f"`{name}`"


def keep(folder, name, text, kernel="# kernel\n", manifest_of=None):
    (folder / f"{name}.py").write_text(text)
    manifest = Manifest(sha256(manifest_of or text), sha256(kernel), "me", [], {})
    Kept.of(folder / f"{name}.py", folder, None).save(kernel, manifest)


def test_a_fresh_kept_kernel_of_a_neighbour_counts_before_ours(tmp_path):
    text = problem("F.silu(x) * y + F.mish(x)")
    keep(tmp_path, "near", problem("F.silu(y) + F.mish(x)"), "# near\n")
    keep(tmp_path, "stale", text + "# like it\n", "# stale\n", manifest_of="another text")
    keep(tmp_path, "long", text + "# like it\n", "# long\n" * 2000)
    keep(tmp_path, "itself", text, "# itself\n")
    (tmp_path / "__kernels__" / "gone.py").write_text("# no problem\n")
    found = Library([tmp_path]).nearest(text)
    assert found is not None and (found.about, found.source) == ("`near`", "# near\n")


def test_operations_are_those_of_the_models_text():
    text = problem("F.layer_norm(x - y, (8,)) @ -y", "self.norm = nn.LayerNorm(8)")
    assert operations(text) == {"layernorm": 2, "Sub": 1, "MatMult": 1, "USub": 1}


@pytest.fixture(scope="module")
def judge():
    with Judge("cpu") as one:
        yield one


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_is_accepted(judge, name):
    text = Problem(f"{name}.py", (SHIPPED / f"{name}.problem.txt").read_text())
    contract = judge.inspect(text, Control())
    verdict = judge.judge(contract, (SHIPPED / f"{name}.kernel.txt").read_text(), "seed", Control())
    assert verdict.outcome == "accepted", verdict
