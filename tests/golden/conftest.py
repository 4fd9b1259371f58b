"""Two judges for all golden examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.gates import GateName, Patience
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.lending import Lender, Lent
from pytest_kernelfalcon.judge.verdict import Verdict

from .problems import SILU

HASTY = Patience(inspect=3, trace=1.5, run=2, compile=4)


class Shared:
    """One judge for all: opened as often as `verify` likes; a problem that several examples share is inspected once."""

    def __init__(self, judge: Judge) -> None:
        self.judge_of: Judge = judge
        self.inspected: Callable[[Problem], Contract] = cache(lambda problem: judge.inspect(problem, Control()))

    def __call__(self, platform: str, sandbox: str, sanitize: bool) -> Shared:
        return self

    def __enter__(self) -> Shared:
        return self

    def __exit__(self, *_: object) -> None:
        """It stays open for the next."""

    def inspect(self, problem: Problem, control: Control) -> Contract:
        return self.inspected(problem)

    def judge(self, contract: Contract, source: str, gate: GateName, control: Control) -> Verdict:
        return self.judge_of.judge(contract, source, gate, control)


@pytest.fixture(scope="package")
def lent() -> Iterator[Callable[[str], Lent]]:
    """Zygotes for both judges: these take seconds to start."""
    with Lender("auto") as lender:
        yield partial(Lent, offer=lender.offer)


@pytest.fixture(scope="package")
def patient(lent: Callable[[str], Lent]) -> Iterator[Shared]:
    with Judge("cpu", opened=lent) as judge:
        yield Shared(judge)


@pytest.fixture(scope="package")
def hasty(lent: Callable[[str], Lent]) -> Iterator[Shared]:
    """A judge that waits for little, once it is warm."""
    with Judge("cpu", patience=HASTY, opened=lent) as judge:
        judge.inspect(Problem("warm.py", SILU), Control())
        yield Shared(judge)
