"""The recipe *pool*, through the judge; what it leaves to others."""

import pytest

from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.generator.cookbook.pool.recipe import Match, Pooling
from pytest_kernelfalcon.generator.cookbook.recipe import Refusal
from pytest_kernelfalcon.judge.judge import Judge

PROBLEM = """import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def forward(self, x):
        return {form}


batch_size = 2
channels = 3
height = 14
width = 17


def get_inputs():
    return [torch.randn({shape})]


def get_init_inputs():
    return []
"""

IMAGE = "batch_size, channels, height, width"


@pytest.fixture(scope="module")
def judge():
    with Judge("cpu") as judge:
        yield judge


def inspected(judge, form, shape=IMAGE):
    return judge.inspect(Problem("pool.py", PROBLEM.format(form=form, shape=shape)), Control())


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        ("F.max_pool2d(x, 3, stride=2, padding=1, dilation=2)", IMAGE),
        ("F.avg_pool1d(x, 4, stride=3, padding=2)", "batch_size, channels, width"),
        ("torch.tanh(F.avg_pool2d(F.relu(x), (2, 3), padding=1, count_include_pad=False))", IMAGE),
    ],
)
def test_the_judge_accepts(judge, form, shape):
    contract = inspected(judge, form, shape)
    match = Pooling().match(contract)
    assert isinstance(match, Match), match
    verdict = judge.judge(contract, Pooling().render(match, Pooling().configurations(match)[0]), "seed", Control())
    assert verdict.outcome == "accepted", f"{verdict.stage}: {verdict.message} {verdict.where} {verdict.worst}"


@pytest.mark.parametrize(
    ("form", "op"),
    [
        ("F.max_pool2d(x, 3, ceil_mode=True)", "aten.max_pool2d_with_indices.default"),
        ("F.max_pool2d(x, 3, return_indices=True)[1]", "aten.max_pool2d_with_indices.default"),
    ],
)
def test_what_it_cannot_place_is_named(judge, form, op):
    assert Pooling().match(inspected(judge, form)) == Refusal((op,))
