"""Candidates in KernelBench's own form: a module `ModelNew` with the parameters of `Model`."""

from __future__ import annotations

import pytest

from .conftest import Verify

PROBLEM = """
    import torch
    import torch.nn as nn

    class Model(nn.Module):
        def __init__(self, features, shift):
            super().__init__()
            self.scale = nn.Linear(features, 1, bias=False)
            self.register_buffer("offset", torch.rand(features))
            self.shift = shift

        def forward(self, x):
            return x * self.scale.weight[0] + self.offset + self.shift

    batch_size, features = 6, 40

    def get_inputs():
        return [torch.randn(batch_size, features)]

    def get_init_inputs():
        return [features, 0.25]
    """
ANSWER = """
    import torch
    import torch.nn as nn
    import triton
    import triton.language as tl

    @triton.jit
    def scale(x_ptr, weight_ptr, offset_ptr, y_ptr, n, features, shift, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        mask = at < n
        x = tl.load(x_ptr + at, mask=mask)
        weight = tl.load(weight_ptr + at % features, mask=mask)
        offset = tl.load(offset_ptr + at % features, mask=mask)
        tl.store(y_ptr + at, x * weight + offset + shift, mask=mask)

    class ModelNew(nn.Module):
        def __init__(self, features, shift):
            super().__init__()
            self.scale = nn.Linear(features, 1, bias=False)
            self.register_buffer("offset", torch.rand(features))
            self.shift = shift

        def forward(self, x):
            x = x.contiguous()
            y = torch.empty_like(x)
            grid = (triton.cdiv(x.numel(), 128),)
            scale[grid](x, self.scale.weight, self.offset, y, x.numel(), x.shape[1], self.shift, BLOCK=128)
            return y
    """


@pytest.mark.parametrize(
    ("old", "new", "cause", "says"),
    [
        ("", "", None, ""),
        ("+ offset + shift", "+ shift", "inaccurate", ""),
        ("return y\n", "return y + 0\n", "torch_operation", "add"),
        ('"offset", torch.rand(features)', '"offset", torch.rand(features + 1)', "wrapper_raised", "another shape"),
        ("self.shift = shift", "self.shift = nn.Parameter(torch.zeros(1))", "wrapper_raised", "no such state"),
        ("features, shift):\n            super", "features):\n            super", "wrapper_raised", "positional"),
        ("class ModelNew", "class ModelOther", "no_entry_point", "kernel_function"),
    ],
)
def test_a_module_is_judged_as_a_function(verify: Verify, old: str, new: str, cause: str | None, says: str) -> None:
    assert old in ANSWER
    verdict = verify(PROBLEM, ANSWER.replace(old, new) if old else ANSWER)
    assert verdict.cause == cause, verdict.message
    assert says in (verdict.message or "")
