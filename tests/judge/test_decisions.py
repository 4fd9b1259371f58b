"""Outputs that are decided, a rounding or an index: right is what exact arithmetic decides within the type's error."""

from __future__ import annotations

import pytest

from .conftest import Verify

PROBLEM = """
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            return torch.round(x / 7).to(torch.int32)

    n = 4096

    def get_inputs():
        between = torch.randint(-50, 50, (n,)) * 7 + 3.5
        return [between + torch.where(torch.rand(n) < 0.5, 0, 0.01) * torch.randn(n)]

    def get_init_inputs():
        return []
    """
"""Half of the elements lie just between two integers, where 1/7 rounded decides otherwise; the rest near by."""
KERNEL = """
    import torch
    import triton
    import triton.language as tl
    from triton.language.extra import libdevice

    @triton.jit
    def seventh(x_ptr, y_ptr, n, step, BLOCK: tl.constexpr):
        offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        mask = offsets < n
        x = tl.load(x_ptr + offsets * step, mask=mask).to(tl.float32)
        tl.store(y_ptr + offsets, libdevice.rint(tl.div_rn(x, 7.0)).to(tl.int32), mask=mask)

    def kernel_function(x):
        y = torch.empty(x.shape, dtype=torch.int32, device=x.device)
        seventh[(triton.cdiv(x.numel(), 256),)](x, y, x.numel(), x.stride(0), BLOCK=256)
        return y
    """
EXACT = "tl.div_rn(x, 7.0)"


@pytest.mark.parametrize(
    ("way", "cause"),
    [
        (EXACT, None),
        ("x * (1.0 / 7.0)", None),
        (f"{EXACT} + 0.002", "values_differ"),
        ("x * 0.1428", "values_differ"),
    ],
)
def test_a_rounding_may_go_either_way_within_an_ulp_of_the_inputs(verify: Verify, way: str, cause: str | None) -> None:
    verdict = verify(PROBLEM, KERNEL.replace(EXACT, way))
    assert verdict.cause == cause
    assert ("other_decisions" in verdict.flags) == (way == "x * (1.0 / 7.0)")


FIRST = """
    import torch

    class Model(torch.nn.Module):
        def forward(self, x):
            return x.nan_to_num().argmax(-1)

    rows, columns = 40, 12

    def get_inputs():
        return [torch.randint(0, 6, (rows, columns)) / 7]

    def get_init_inputs():
        return []
    """
"""In most rows the largest value comes several times; eager takes the first."""
ARGMAX = """
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def best(x_ptr, y_ptr, columns, row_step, step, BLOCK: tl.constexpr):
        row = tl.program_id(0)
        at = tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * row_step + at * step, mask=at < columns, other=float("-inf")).to(tl.float32)
        x = tl.where(x != x, 0.0, x)
        tl.store(y_ptr + row, tl.argmax(x, axis=0))

    def kernel_function(x):
        y = torch.empty(x.shape[:1], dtype=torch.int64, device=x.device)
        rows, columns = x.shape
        if rows:
            BLOCK = triton.next_power_of_2(columns)
            best[(rows,)](x, y, columns, x.stride(0), x.stride(1), BLOCK=BLOCK)
        return y
    """


@pytest.mark.parametrize(
    ("way", "cause"),
    [
        ("tl.argmax(x, axis=0)", None),
        ("tl.max(tl.where(x == tl.max(x, axis=0), at, 0), axis=0)", "values_differ"),
    ],
)
def test_of_equal_elements_eagers_is_taken(verify: Verify, way: str, cause: str | None) -> None:
    assert verify(FIRST, ARGMAX.replace("tl.argmax(x, axis=0)", way)).cause == cause


REPEATED = """
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("step", torch.tensor([3]).expand(5))
            self.register_buffer("shift", torch.tensor([0.5]).expand(5))

        def forward(self, x):
            return (x > self.shift[0]).long() * self.step[0]

    n = 300

    def get_inputs():
        return [torch.randn(n)]

    def get_init_inputs():
        return []
    """
STEPS = """
    import torch
    import triton
    import triton.language as tl

    @triton.jit
    def steps(x_ptr, step_ptr, shift_ptr, y_ptr, n, stride, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + at * stride, mask=at < n)
        y = tl.where(x > tl.load(shift_ptr), tl.load(step_ptr), 0)
        tl.store(y_ptr + at, y, mask=at < n)

    def kernel_function(x, step, shift):
        y = torch.empty(x.shape, dtype=torch.int64, device=x.device)
        steps[(triton.cdiv(x.numel(), 128),)](x, step, shift, y, x.numel(), x.stride(0), BLOCK=128)
        return y
    """


def test_state_whose_elements_share_memory(verify: Verify) -> None:
    verdict = verify(REPEATED, STEPS)
    assert verdict.cause is None, verdict.message
    wrong = verify(REPEATED, STEPS.replace("tl.load(shift_ptr)", "0.5"))
    assert wrong.cause in ("values_differ", "stale"), wrong  # by which draw shows it first
