"""Results in dicts: their order decides nothing, their keys do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]

PROBLEM = """
import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return {"twice": x * 2, "also": [x + 1], "more": {"z": x - 1, "a": x * 3}}


n = 300


def get_inputs():
    return [torch.randn(n)]


def get_init_inputs():
    return []
"""

KERNEL = """
import torch
import triton
import triton.language as tl


@triton.jit
def four(x_ptr, twice_ptr, also_ptr, less_ptr, thrice_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask)
    tl.store(twice_ptr + at, x * 2, mask=mask)
    tl.store(also_ptr + at, x + 1, mask=mask)
    tl.store(less_ptr + at, x - 1, mask=mask)
    tl.store(thrice_ptr + at, x * 3, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    twice, also, less, thrice = (torch.empty_like(x) for _ in range(4))
    four[(triton.cdiv(x.numel(), 64),)](x, twice, also, less, thrice, x.numel(), BLOCK=64)
    return {}
"""

ORDERS = [
    '"twice": twice, "also": [also], "more": {"z": less, "a": thrice}',
    '"more": {"a": thrice, "z": less}, "also": [also], "twice": twice',
    '"also": [also], "twice": twice, "more": {"z": less, "a": thrice}',
]
SWAPPED = [
    '"twice": less, "also": [also], "more": {"z": twice, "a": thrice}',
    '"also": [also], "twice": twice, "more": {"a": less, "z": thrice}',
    '"twice": also, "also": [twice], "more": {"a": thrice, "z": less}',
]


def returning(items: str) -> str:
    return KERNEL.replace("return {}", f"return {{{items}}}")


@pytest.mark.parametrize("items", ORDERS)
def test_keys_may_come_in_any_order(verify: Verify, items: str) -> None:
    verdict = verify(PROBLEM, returning(items), gate="accept")
    assert verdict.outcome == "accepted", verdict.message


@pytest.mark.parametrize("items", SWAPPED)
def test_values_under_each_others_keys_are_wrong(verify: Verify, items: str) -> None:
    verdict = verify(PROBLEM, returning(items))
    assert (verdict.outcome, verdict.cause) == ("refused", "inaccurate"), verdict.message


def test_keys_that_are_swapped_where_nobody_watches_are_seen(verify: Verify) -> None:
    """Each tensor at its place, under another key."""
    right, wrong = ('{"twice": twice, "also": [also], "more": more}', '{"also": [twice], "twice": also, "more": more}')
    chosen = f"{right} if torch._C._len_torch_dispatch_stack() else {wrong}"
    cheat = KERNEL.replace("return {}", f'more = {{"z": less, "a": thrice}}\n    return {chosen}')
    verdict = verify(PROBLEM, cheat, gate="accept")
    assert (verdict.outcome, verdict.cause) == ("refused", "not_conforming"), verdict.message
    assert "output 0 has other values" in str(verdict.message)
