"""Comparing: what is close enough, and what is not, whatever the scale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from pytest_kernelfalcon.judge.accuracy import Judgement, Pool, decide
from pytest_kernelfalcon.judge.roles.comparer import figures

NAN, INF = float("nan"), float("inf")
MAX = torch.finfo(torch.float32).max


def judged(value: torch.Tensor, eager: torch.Tensor, truth: torch.Tensor) -> Judgement:
    return decide(0, figures(value, eager, truth), Pool())


def sample(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """eager and fp64 values of a function."""
    torch.manual_seed(0)
    x = torch.randn(4096, dtype=torch.float64).to(dtype)
    return torch.sigmoid(x), torch.sigmoid(x.double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_another_rounding_passes(dtype: torch.dtype):
    eager, truth = sample(dtype)
    assert judged(truth.to(dtype), eager, truth).cause is None
    assert judged(eager, eager, truth).ratio <= 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda y: torch.zeros_like(y),
        lambda y: y.to(torch.bfloat16).float(),
        lambda y: y.to(torch.float16).float(),
        lambda y: y * (1 + 1e-5),
        lambda y: torch.where(torch.arange(len(y)) == 77, y + 1e-4, y),
        lambda y: y.flip(0),
    ],
)
def test_what_is_wrong_is_refused(spoil: Callable[[torch.Tensor], torch.Tensor]):
    eager, truth = sample()
    assert judged(spoil(eager), eager, truth).cause == "inaccurate"


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_the_scale_does_not_matter(scale: float):
    eager, truth = sample()
    assert judged(eager * scale, eager * scale, truth * scale).cause is None
    assert judged(eager * 0, eager * scale, truth * scale).cause == "inaccurate"


def test_the_worst_element_is_named():
    eager, truth = sample()
    value = eager.clone().reshape(64, 64)
    value[3, 5] += 1
    worst = judged(value, eager.reshape(64, 64), truth.reshape(64, 64)).worst
    assert worst is not None
    assert worst["index"] == [3, 5]
    assert worst["got"] == pytest.approx(float(value[3, 5]))
    assert worst["want"] == pytest.approx(float(truth[3 * 64 + 5]))


@pytest.mark.parametrize(
    ("got", "eager", "truth", "cause"),
    [
        (NAN, 1.0, 1.0, "nan_mismatch"),
        (1.0, NAN, NAN, "nan_mismatch"),
        (NAN, NAN, NAN, None),
        (1.0, NAN, 1.0, None),
        (INF, 1.0, 1.0, "inf_mismatch"),
        (1.0, INF, INF, "inf_mismatch"),
        (-INF, INF, INF, "inf_mismatch"),
        (INF, INF, INF, None),
        (INF, INF, 1e300, None),
        (INF, MAX, 1e300, None),
        (-MAX, -MAX, -1e300, None),
        (-1.0, -MAX, -1e300, "inf_mismatch"),
        (2.0, INF, 2.0, None),
        (3.0, INF, 2.0, "inf_mismatch"),
    ],
)
def test_nan_and_infinity(got: float, eager: float, truth: float, cause: str | None):
    base_eager, base_truth = sample()
    value = torch.cat([base_eager, torch.tensor([got])])
    expected = torch.cat([base_eager, torch.tensor([eager])])
    exact = torch.cat([base_truth, torch.tensor([truth], dtype=torch.float64)])
    assert judged(value, expected, exact).cause == cause


def test_a_decision_may_be_eagers_or_that_of_fp64_and_no_other():
    eager = torch.tensor([1, 2, 3])
    truth = torch.tensor([1, 2, 4])
    assert judged(torch.tensor([1, 2, 3]), eager, truth).cause is None
    assert judged(torch.tensor([1, 2, 4]), eager, truth).cause is None
    wrong = judged(torch.tensor([1, 9, 4]), eager, truth)
    assert wrong.cause == "values_differ" and wrong.worst is not None
    assert (wrong.worst["index"], wrong.worst["got"], wrong.worst["want"]) == ([1], 9, 2)


def test_eagers_luck_in_a_small_case_is_not_held_against_a_kernel():
    _, truth = sample()
    few = truth[:4].float()
    three_ulps = 3 * torch.finfo(torch.float32).eps
    off, pool = few * (1 + three_ulps), Pool()
    assert decide(0, figures(off, few, truth[:4]), pool).cause == "inaccurate"
    decide(0, figures(truth.float(), truth.float() * (1 + three_ulps), truth), pool)
    assert decide(0, figures(off, few, truth[:4]), pool).cause is None
    assert decide(0, figures(few * 1.001, few, truth[:4]), pool).cause == "inaccurate"


def test_nothing_to_compare_is_right():
    empty = torch.empty(0)
    assert judged(empty, empty, empty.double()).cause is None
