"""`Judge.figures`: what compiling alone tells, at the price of compiling alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.figures import Figures
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict
from tests.judge.test_verdicts import COUNT

Verify = Callable[..., Verdict]
Look = Callable[[str], Figures]


@pytest.fixture
def figures(judge: Judge, inspect: Callable[[str], Contract], silu: Any) -> Look:
    return lambda kernel: judge.figures(inspect(silu.problem), kernel, Control())


def test_they_are_the_verdicts(figures: Look, verify: Verify, silu: Any):
    found = figures(silu.kernel)
    assert found == Figures(verify(silu.problem, silu.kernel, "accept").targets)
    assert set(found.targets) == {"sm_80", "sm_90", "sm_100"}


def test_a_wrong_kernel_has_them_too(figures: Look, verify: Verify, silu: Any):
    """They say nothing of its results."""
    wrong = silu.edited("x * tl.sigmoid(x)", "x * tl.sigmoid(x) + 1.0")
    assert verify(silu.problem, wrong).outcome == "refused"
    found = figures(wrong)
    assert found.cause == ""
    assert all(row["status"] == "ok" for row in found.targets.values())


def test_what_does_not_get_as_far_says_why(figures: Look, silu: Any):
    found = figures(silu.edited("    return y", "    return y + 0"))
    assert (found.targets, found.cause) == ({}, "torch_operation")
    assert found.message


def test_a_plan_that_hangs_on_values_is_known_from_a_run(figures: Look, silu: Any):
    counted = silu.edited("def kernel_function(x):", COUNT).replace(
        "    return y", "    return y if int(found) >= 0 else x"
    )
    found = figures(counted)
    assert found.cause == ""
    assert all(row["registers"] > 0 for row in found.targets.values())
    assert set(found.targets) == {"sm_80", "sm_90", "sm_100"}
