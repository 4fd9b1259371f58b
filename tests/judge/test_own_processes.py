"""A process of the judge's own that ends in the middle of a verdict: that is never the candidate's fault, nor luck."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.judge.child import Child
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import JudgeError

from .conftest import Silu

Inspect = Callable[[str], Contract]
ENDING = """
            if x.dtype == torch.float64 and torch._C._len_torch_dispatch_stack():
                __import__("os")._exit(3)
            return x * torch.sigmoid(x)"""
"""In fp64 under an error of each operation, as only the look at what honest arithmetic gives has it."""


@pytest.mark.parametrize("factor", ["1.001", "(1 + (n != 2000) * 0.001)"], ids=["everywhere", "at other sizes"])
def test_where_nobody_can_tell_what_honest_arithmetic_gives_nobody_decides(
    judge: Judge, inspect: Inspect, silu: Silu, factor: str
) -> None:
    contract = inspect(silu.problem.replace("\n            return x * torch.sigmoid(x)", ENDING))
    verdict = judge.judge(
        contract, silu.edited("x * tl.sigmoid(x)", f"x * tl.sigmoid(x) * {factor}"), "seed", Control()
    )
    assert (verdict.outcome, verdict.cause) == ("undecided", "not_runnable"), verdict
    assert "what honest arithmetic gives" in verdict.message
    assert judge.judge(contract, silu.kernel, "seed", Control()).outcome == "accepted"


@pytest.fixture
def killed(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process that compares ends before it is asked."""
    compare = judge._compare

    def ended(role: str, control: Control) -> Child:
        child = compare(role, control)
        signal.pidfd_send_signal(child._pidfd, signal.SIGKILL)
        return child

    with monkeypatch.context() as patch:
        patch.setattr(judge, "_compare", ended)
        yield


@pytest.mark.usefixtures("killed")
def test_a_comparer_that_ends_is_the_judges_failure(judge: Judge, inspect: Inspect, silu: Silu) -> None:
    with pytest.raises(JudgeError, match="comparer"):
        judge.judge(inspect(silu.problem), silu.kernel, "seed", Control())
