"""Every form of the recipe *pointwise* goes through the judge: the extractor takes it and Triton compiles it."""

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.cookbook.pointwise.options import Configuration
from pytest_kernelfalcon.generator.cookbook.pointwise.recipe import Match, Pointwise
from pytest_kernelfalcon.judge.judge import Judge

PROBLEM = '''"""Every form at once."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def forward(self, x, y, i, j, d, s):
        smooth = F.silu(x) + F.mish(x) + F.gelu(x) + F.gelu(x, approximate="tanh") + F.softplus(x) + F.logsigmoid(x)
        hard = F.hardswish(x) + F.hardsigmoid(x) + F.softshrink(x) + F.hardshrink(x) + F.relu6(x) + F.elu(x)
        functions = torch.sin(x) + torch.cos(x) + torch.exp(x) + torch.log(y) + torch.log1p(y) + torch.tanh(x)
        more = torch.erf(x) + torch.atan2(x, y) + torch.lgamma(y) + torch.round(x, decimals=2) + torch.logaddexp(x, y)
        roots = torch.sqrt(y) + torch.rsqrt(y) + y**2.5 + 2**x + torch.exp2(x) + torch.log2(y) + torch.lerp(x, y, y)
        parts = x // y + x % y + torch.fmod(x, y) + torch.trunc(x) + torch.floor(x) + torch.maximum(x, y).clamp(-2, 2)
        whole = i // j + i % j + i**5 + torch.div(i, j, rounding_mode="trunc") + (i & 7) + (i << 1) + i.clamp(-2, 5)
        double = F.gelu(d) + F.silu(d) * 0.1 + torch.where(d > 0.3, d, 0.1) + torch.sqrt(d.abs()) + d // 0.7
        truth = torch.isnan(x) | torch.isinf(y) | ~(x > y) | torch.signbit(x)
        return smooth + hard, functions + more + roots, parts, whole, double, truth, x * s + x.shape[1] ** -0.5


rows = 5
columns = 70


def get_inputs():
    x, y, d = torch.randn(rows, columns), torch.rand(columns) + 0.5, torch.randn(rows, columns, dtype=torch.float64)
    return [x, y, torch.randint(-9, 9, (rows, columns)), torch.randint(1, 9, (columns,)), d, 1.5]


def get_init_inputs():
    return []
'''


@pytest.fixture(scope="module")
def judge():
    with Judge("cpu") as judge:
        yield judge


@pytest.fixture(scope="module")
def match(judge):
    match = Pointwise().match(judge.inspect(Problem("forms.py", PROBLEM), Control()))
    assert isinstance(match, Match), match
    return match


WAYS = {"first": Configuration(), "fast and strided": Configuration(block=2048, layout="strided", exact=False)}


@pytest.mark.parametrize("way", WAYS)
def test_every_form_is_accepted(judge, match, way):
    verdict = judge.judge(match.contract, Pointwise().render(match, WAYS[way]), "seed", Control())
    assert verdict.outcome == "accepted", f"{verdict.stage}: {verdict.message} {verdict.where} {verdict.worst}"
    assert verdict.targets and all(target["status"] == "ok" for target in verdict.targets.values())
