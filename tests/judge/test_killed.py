"""A process of the judge's that somebody kills says nothing about a problem or a kernel."""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest

from pytest_kernelfalcon.contracts.causes import Cause, ProblemError
from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.child import Child
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import JudgeError
from tests.judge.conftest import Silu

Kill = Callable[[str, int], list[str]]


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """`kill(role, times)`: the first so many processes of that role die of SIGKILL before they are asked."""
    killed: list[str] = []
    wanted: dict[str, int] = {}
    send, receive = Child.send, Child.receive

    def begin(role: str, times: int) -> list[str]:
        wanted.clear()
        wanted[role] = times
        killed.clear()
        return killed

    def strike(child: Child) -> None:
        if killed.count(child.role) < wanted.get(child.role, 0):
            killed.append(child.role)
            signal.pidfd_send_signal(child._pidfd, signal.SIGKILL)  # of its guard, with which it ends
            poll = select.poll()
            poll.register(child.channel, select.POLLRDHUP)
            assert poll.poll(20_000)

    def sending(self: Child, *rest: Any) -> None:
        strike(self)
        send(self, *rest)

    def receiving(self: Child, *rest: Any) -> object:
        if self.role == "inspect":  # which is sent nothing: it is asked as it is forked
            strike(self)
        return receive(self, *rest)

    monkeypatch.setattr(Child, "send", sending)
    monkeypatch.setattr(Child, "receive", receiving)
    return begin


@pytest.mark.parametrize("role", ["reference", "comparer"])
def test_one_that_knows_no_candidate_is_asked_again_in_its_successor(
    judge: Judge, inspect: Callable[[str], Contract], silu: Silu, kill: Kill, role: str
) -> None:
    contract = inspect(silu.problem)
    killed = kill(role, 1)
    assert judge.judge(contract, silu.kernel, "seed", Control()).outcome == "accepted"
    assert killed == [role]


def test_a_wrong_kernel_gains_nothing_by_it(
    judge: Judge, inspect: Callable[[str], Contract], silu: Silu, kill: Kill
) -> None:
    contract, wrong = inspect(silu.problem), silu.edited("x * tl.sigmoid(x)", "x * tl.sigmoid(x) + 0.5")
    for role in ("reference", "comparer"):
        killed = kill(role, 1)
        verdict = judge.judge(contract, wrong, "seed", Control())
        assert (verdict.outcome, verdict.cause, killed) == ("refused", Cause.INACCURATE.value, [role])


def test_a_reference_that_ends_each_time_is_the_problems_doing(
    judge: Judge, inspect: Callable[[str], Contract], silu: Silu, kill: Kill
) -> None:
    contract = inspect(silu.problem)
    kill("reference", 2)
    with pytest.raises(ProblemError) as caught:
        judge.judge(contract, silu.kernel, "seed", Control())
    assert caught.value.cause == Cause.PROBLEM_CRASH


def test_a_comparer_that_ends_each_time_is_an_error_of_the_judges(
    judge: Judge, inspect: Callable[[str], Contract], silu: Silu, kill: Kill
) -> None:
    contract = inspect(silu.problem)
    kill("comparer", 2)
    with pytest.raises(JudgeError, match="the comparer process gives no figures"):
        judge.judge(contract, silu.kernel, "seed", Control())


@pytest.mark.parametrize("times", [1, 2])
def test_an_inspection_that_is_killed_is_made_again(judge: Judge, silu: Silu, kill: Kill, times: int) -> None:
    slow = "\nimport time\n\ntime.sleep(1)\n"  # so that it has not ended before it is killed
    problem = Problem("problem.py", dedent(silu.problem) + slow)
    killed = kill("inspect", times)
    if times == 1:
        assert judge.inspect(problem, Control()).ops
    else:
        with pytest.raises(ProblemError) as caught:
            judge.inspect(problem, Control())
        assert caught.value.cause == Cause.PROBLEM_CRASH
    assert killed == ["inspect"] * times
