"""Other types, strides and values: what a problem is found to take, and candidates that are wrong only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import strategies as st

from pytest_kernelfalcon.contracts.contract import Contract
from pytest_kernelfalcon.judge.cases import Case, Memory, find_failing
from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]
Inspect = Callable[[str], Contract]

ALL = {
    "dtypes": ["float16", "bfloat16"],
    "strides": ["transposed", "padded", "stepped"],
    "values": ["offset", "lowered", "large", "wide", "small", "zeros", "ties", "inf", "nan"],
}


def problem(forward: str, inputs: str = "torch.randn(rows, columns)") -> str:
    return dedent(f"""
        import torch

        class Model(torch.nn.Module):
            def forward(self, x, *rest):
                return {forward}

        rows = 6
        columns = 20

        def get_inputs():
            return [{inputs}]

        def get_init_inputs():
            return []
        """)


@pytest.mark.parametrize(
    ("forward", "inputs", "without"),
    [
        ("x * 2", "torch.randn(rows, columns)", {}),
        ("x.view(-1) * 2", "torch.randn(rows, columns)", {"strides": ["transposed", "padded"]}),
        ("x * 2", "torch.randn(columns, rows).t()", {"strides": ALL["strides"]}),
        ("x.sort()[0]", "torch.randn(rows, columns)", {"values": ["zeros", "ties"]}),
        ("x @ x.t()", "torch.randn(rows, columns)", {"values": ["inf", "nan"]}),
        ("x.to(torch.int32)", "torch.randn(rows, columns)", {"values": ["inf", "nan"]}),
        ("torch.exp(x)", "torch.randn(rows, columns)", {"values": ["offset", "lowered"]}),
        ("torch.softmax(x, -1)", "torch.randn(rows, columns)", {}),
        ("x.sum() * 2", "torch.randn(rows, columns)", {"values": ["inf", "nan"]}),
        ("x * rest[0]", "torch.randn(rows, columns), torch.randn(columns).double()", {"dtypes": ALL["dtypes"]}),
    ],
)
def test_a_problem_is_tried_on_what_it_takes(
    inspect: Inspect, forward: str, inputs: str, without: dict[str, list[str]]
):
    found = inspect(problem(forward, inputs)).variants
    for name, names in ALL.items():
        assert getattr(found, name) == [one for one in names if one not in without.get(name, [])], name


def test_a_wider_type_has_digits_that_the_problems_own_has_no_room_for(verify: Verify):
    """Else a kernel that rounds its input to the narrow type, as TF32 does, would be right in the wide one."""
    text = problem("x * 2", "torch.randn(rows, columns).half()")
    kernel = """
        import torch
        import triton
        import triton.language as tl

        @triton.jit
        def double(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
            at = tl.arange(0, BLOCK)
            x = tl.load(x_ptr + at, mask=at < n)
            tl.store(y_ptr + at, x * 2, mask=at < n)

        def kernel_function(x):
            x = x.contiguous()
            y = torch.empty_like(x)
            double[(1,)](x, y, x.numel(), BLOCK=512)
            return y
        """
    assert verify(text, kernel, "accept").outcome == "accepted"
    verdict = verify(text, kernel.replace("x * 2,", "x.to(tl.float16) * 2,"), "accept")
    assert (verdict.cause, verdict.case and verdict.case["dtypes"]) == ("inaccurate", "float32")


def test_masks_are_emptied_and_filled(inspect: Inspect):
    found = inspect(problem("x * rest[0]", "torch.randn(rows, columns), torch.rand(rows, columns) > 0.5")).variants
    assert found.values[-2:] == ["empty_mask", "full_mask"]


def test_a_size_is_tried_beyond_its_own_value(inspect: Inspect):
    contract = inspect(problem("x.sum(-1)").replace("rows = 6", "rows = 300").replace("columns = 20", "columns = 512"))
    assert contract.shrunk is not None
    assert contract.variants.stretched[0]["rows"] == 489


def test_one_size_at_a_time_is_as_large_as_can_be_run(inspect: Inspect):
    text = problem("x * 2").replace("rows = 6", "rows = 4096").replace("columns = 20", "columns = 8192")
    contract = inspect(text)
    assert contract.shrunk is not None
    assert [form["rows"] for form in contract.variants.stretched] == [14], "16 are too many: 14 are no power of two"
    assert all(sum(form[n] != contract.shrunk[n] for n in form) == 1 for form in contract.variants.stretched)


@pytest.mark.parametrize(
    ("old", "new", "causes", "field", "names"),
    [
        ("x.contiguous(), y", "x, y", {"nan_mismatch"}, "strides", {"padded", "stepped"}),
        ("x = tl.load(x_ptr + offsets, mask=mask)", "x = tl.minimum(tl.load(x_ptr + offsets, mask=mask), 500.0)",
         {"inaccurate", "inf_mismatch", "nan_mismatch"}, "values", {"large", "inf", "nan"}),
        ("x * tl.sigmoid(x)", "tl.where(x == x, x * tl.sigmoid(x), 0.0)", {"nan_mismatch"}, "values", {"nan", "inf"}),
    ],
)  # fmt: skip
def test_a_kernel_that_is_wrong_only_there_is_refused(
    verify: Verify, silu: Any, old: str, new: str, causes: set[str], field: str, names: set[str]
):
    verdict = verify(silu.problem, silu.edited(old, new), "accept")
    assert verdict.outcome == "refused" and verdict.cause in causes, verdict.message
    assert verdict.case is not None and verdict.case[field] in names


def test_another_type_may_be_refused_loudly_but_not_computed_wrongly(verify: Verify, silu: Any):
    """Triton's sigmoid does not take half types: that is an error, and no wrong result."""
    verdict = verify(silu.problem, silu.kernel, "accept")
    assert verdict.outcome == "accepted"
    assert {"not_in_float16", "not_in_bfloat16"} <= set(verdict.flags)
    assert {entry["dtypes"] for entry in verdict.unsupported} == {"float16", "bfloat16"}
    wide = silu.edited("x * tl.sigmoid(x)", "x * tl.sigmoid(x.to(tl.float32))")
    assert not {"not_in_float16", "not_in_bfloat16"} & set(verify(silu.problem, wide, "accept").flags)
    coarse = silu.edited(
        "x * tl.sigmoid(x)", "x * (tl.sigmoid(x.to(tl.float32)) + (0.0 if x.dtype == tl.float32 else 0.01))"
    )
    verdict = verify(silu.problem, coarse, "accept")
    assert (verdict.outcome, verdict.cause) == ("refused", "inaccurate")
    assert verdict.case is not None and verdict.case["dtypes"] in ("float16", "bfloat16")


def test_what_failed_is_kept_and_tried_first(tmp_path: Path):
    cases = st.builds(lambda n, draw: Case.of({"n": n}, draw), st.integers(1, 1000), st.integers(1, 64))
    tried: list[Case] = []

    def fails(case: Case) -> bool:
        tried.append(case)
        return dict(case.sizes)["n"] > 700

    memory = Memory(tmp_path / "examples", "a contract")
    found = find_failing(cases, fails, 60, memory)
    assert found == Case.of({"n": 701}, 1)
    tried.clear()
    assert find_failing(cases, fails, 60, memory) == found
    assert tried[0] == found
    tried.clear()
    find_failing(cases, fails, 60, Memory(tmp_path / "examples", "another"))
    assert tried[0] != found


def test_a_named_tuple_of_inputs_keeps_its_kind(inspect: Inspect):
    named = "__import__('collections').namedtuple('Pair', 'a b')(torch.randn(rows, columns), torch.randn(columns))"
    found = inspect(problem("x.a * x.b", named)).variants
    assert found.dtypes == ALL["dtypes"] and "nan" in found.values


def test_a_wrapper_that_reads_in_another_type_alone_is_not_served_in_it(verify: Verify, silu: Any):
    """Its plan at the declared sizes hangs on data there, so that it cannot be compiled beforehand."""
    wide = silu.edited("x * tl.sigmoid(x)", "x * tl.sigmoid(x.to(tl.float32))")
    verdict = verify(silu.problem, wide.replace("    return y", READS), "accept")
    assert verdict.outcome == "accepted", verdict.message
    assert "not_in_float16" in verdict.flags and "not_in_bfloat16" not in verdict.flags


READS = """\
    if x.dtype == torch.float16:
        z = torch.empty_like(y)
        silu[(triton.cdiv(n, 256),)](x.contiguous(), z, n, BLOCK=256)
        float(z[0])
    return y"""
