"""One warm judge for all tests of the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import dedent

import pytest

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.contracts.control import Control
from pytest_kernelfalcon.contracts.problem import Problem
from pytest_kernelfalcon.judge.gates import GateName, Patience
from pytest_kernelfalcon.judge.judge import Judge
from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]

PROBLEM = """
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(x)

    n = 2000

    def get_inputs():
        return [torch.randn(n)]

    def get_init_inputs():
        return []
    """

KERNEL = """\
import torch
import triton
import triton.language as tl


@triton.jit
def silu(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    y = torch.empty_like(x)
    n = x.numel()
    silu[(triton.cdiv(n, 256),)](x.contiguous(), y, n, BLOCK=256)
    return y
"""


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    with Judge("cpu", patience=Patience(inspect=20, trace=4, run=20)) as one:
        yield one


@pytest.fixture(scope="session")
def inspect(judge: Judge) -> Callable[[str], Contract]:
    """The contract of a problem's text; each text is inspected once."""
    known: dict[str, Contract] = {}

    def look(text: str) -> Contract:
        text = dedent(text)
        if text not in known:
            known[text] = judge.inspect(Problem("problem.py", text), Control())
        return known[text]

    return look


@pytest.fixture(scope="session")
def verify(judge: Judge, inspect: Callable[[str], Contract]) -> Verify:
    """The verdict on a candidate's text for a problem's text."""

    def look(problem: str, kernel: str, gate: GateName = "seed") -> Verdict:
        return judge.judge(inspect(problem), dedent(kernel), gate, Control())

    return look


@dataclass(frozen=True)
class Silu:
    """A problem and an honest kernel for it, to be edited."""

    problem: str = PROBLEM
    kernel: str = KERNEL

    def edited(self, old: str, new: str) -> str:
        assert old in self.kernel
        return self.kernel.replace(old, new)


@pytest.fixture(scope="session")
def silu() -> Silu:
    return Silu()
