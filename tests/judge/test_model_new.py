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


NESTED = """
    import torch
    import torch.nn as nn

    class Model(nn.Module):
        def __init__(self, features):
            super().__init__()
            self.fc = nn.Linear(features, features, bias=False)
            self.seq = nn.Sequential(nn.Linear(features, 1), nn.ReLU())
            self.again = nn.Linear(features, features, bias=False)
            self.again.weight = self.fc.weight

        def forward(self, x, scale=2.0):
            return x * self.fc.weight[0] * scale + self.seq[0].weight[0] + self.again.weight[1]

    batch_size, features = 6, 40

    def get_inputs():
        return [torch.randn(batch_size, features)]

    def get_init_inputs():
        return [features]
    """
SUM = """
    import torch
    import torch.nn as nn
    import triton
    import triton.language as tl

    @triton.jit
    def affine(x_ptr, a_ptr, b_ptr, c_ptr, y_ptr, n, features, scale, BLOCK: tl.constexpr):
        at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        mask = at < n
        x = tl.load(x_ptr + at, mask=mask)
        a = tl.load(a_ptr + at % features, mask=mask)
        b = tl.load(b_ptr + at % features, mask=mask)
        c = tl.load(c_ptr + at % features, mask=mask)
        tl.store(y_ptr + at, x * a * scale + b + c, mask=mask)

    class Doubling(nn.Linear):
        def forward(self, x):
            return super().forward(x)

    class ModelNew(nn.Module):
        def __init__(self, features):
            super().__init__()
            self.fc = nn.Linear(features, features, bias=False)
            self.seq = nn.Sequential(nn.Linear(features, 1), nn.ReLU())
            self.again = nn.Linear(features, features, bias=False)
            self.again.weight = self.fc.weight
            pass

        def forward(self, x, scale=2.0):
            x = x.contiguous()
            y = torch.empty_like(x)
            weight, other = self.fc.weight, self.seq[0].weight
            grid = (triton.cdiv(x.numel(), 128),)
            affine[grid](x, weight, other, self.again.weight[1], y, x.numel(), x.shape[1], scale, BLOCK=128)
            return y
    """


@pytest.mark.parametrize(
    "line",
    [
        "pass",
        "self.again = nn.Linear(features, features, bias=False)",
        "self.fc.weight = nn.Parameter(torch.randn(features, features))",
        "self.fc.weight = nn.Parameter(torch.randn(features, features, device='cuda'))",
        "nn.init.zeros_(self.seq[0].weight)",
        "self.cuda()",
        "self.unused = torch.zeros(3)",
    ],
)
def test_its_own_weights_give_way_to_the_problems(verify: Verify, line: str) -> None:
    verdict = verify(NESTED, SUM.replace("            pass\n", f"            {line}\n"))
    assert verdict.outcome == "accepted", verdict.message
    wrong = SUM.replace("self.again.weight[1]", "self.again.weight[2]")
    assert verify(NESTED, wrong.replace("            pass\n", f"            {line}\n")).cause == "inaccurate"


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ("self.wt = self.fc.weight.t().contiguous()", "self.wt"),
        ("self.wt = self.fc.weight * 2", "self.wt"),
        ("self.wt = torch.ones(features, features)", "self.wt"),
        ("self.wt = [self.fc.weight]", "self.wt[0]"),
        ("self.wt = self.fc.weight[0]", "self.wt"),
    ],
)
def test_a_tensor_that_init_prepares_holds_no_data_and_is_refused_by_name(verify: Verify, made: str, used: str) -> None:
    kernel = SUM.replace("            pass\n", f"            {made}\n").replace(
        "= self.fc.weight, self", f"= {used}, self"
    )
    verdict = verify(NESTED, kernel)
    assert (verdict.outcome, verdict.cause) == ("refused", "kept_tensor")
    assert "what `__init__` made as `" in verdict.message


@pytest.mark.parametrize(
    ("old", "new", "operation"),
    [
        ("x = x.contiguous()", "x = self.fc(x)", "aten.mm"),
        ("x = x.contiguous()", "x = self.seq[1](x)", "aten.relu"),
        ("self.fc = nn.Linear(", "self.fc = Doubling(", ""),
    ],
)
def test_torchs_own_modules_may_hold_weights_and_not_compute(
    verify: Verify, old: str, new: str, operation: str
) -> None:
    verdict = verify(NESTED, SUM.replace(old, new))
    if not operation:
        assert verdict.outcome == "accepted", "a module that is not called computes nothing"
        verdict = verify(NESTED, SUM.replace(old, new).replace("x = x.contiguous()", "x = self.fc(x)"))
        operation = "aten.mm"
    assert (verdict.outcome, verdict.cause) == ("refused", "torch_operation")
    assert operation in verdict.message and verdict.where is not None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "self.register_buffer('z', torch.zeros(3))",
            "ModelNew holds `z` of shape (3,); the problem's model has no",
        ),
        (
            "self.wt = nn.Parameter(self.fc.weight * 2)",
            "ModelNew holds `wt` of shape (40, 40); the problem's model",
        ),
        ("self.fc = nn.Linear(features, 3, bias=False)", "ModelNew holds `fc.weight` of shape (3, 40)"),
    ],
)
def test_other_parameters_are_refused_by_name_and_shape(verify: Verify, line: str, says: str) -> None:
    verdict = verify(NESTED, SUM.replace("            pass\n", f"            {line}\n"))
    assert (verdict.outcome, verdict.cause) == ("refused", "wrapper_raised")
    assert says in verdict.message
