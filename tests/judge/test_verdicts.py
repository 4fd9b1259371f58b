"""Verdicts on whole candidates, through the judge's two functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]


@pytest.mark.parametrize("gate", ["seed", "accept"])
def test_an_honest_kernel_is_accepted(verify: Verify, silu: Any, gate: str):
    verdict = verify(silu.problem, silu.kernel, gate)
    assert (verdict.outcome, verdict.cause) == ("accepted", None)
    assert verdict.cases >= 8
    targets = {"seed": ["sm_90"], "accept": ["sm_80", "sm_90", "sm_100"]}[gate]
    assert list(verdict.targets) == targets
    assert all(row["status"] == "ok" and row["registers"] > 0 for row in verdict.targets.values())
    assert set(verdict.seconds) >= {"parse", "trace", "compile", "run"}
    assert verdict.worst is not None and verdict.worst["error_over_eager"] <= 8
    assert len(verdict.problem_sha256) == len(verdict.kernel_sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "cause", "line"),
    [
        ("import torch\n", "import torch torch\n", "source_syntax", 1),
        ("def kernel_function", "def function", "no_entry_point", None),
        ("import torch\n", "import torch, nowhere\n", "wrapper_import", 1),
        ("x = tl.load", "x = open('/etc/passwd'); tl.load", "kernel_construct", 10),
        ("    return y", "    return y + 0", "torch_operation", 18),
        ("    return y", "    return y.to(torch.float64)", "dtype_cast", 18),
        ("y = torch.empty_like(x)", "y = torch.tensor([1.0] * 9, device='cuda')", "host_data", 15),
        ("    return y", "    return float(x[0])", "value_read", 18),
        ("    n = x.numel()", "    n = x.nummel()", "wrapper_raised", 16),
        ("BLOCK=256)", "BLOCK=256, ir_override='/x')", "launch_argument", 17),
        ("offsets < n", "offsets < undefined_name", "kernel_construct", 9),
        ("tl.sigmoid(x)", "tl.sigmoid(x, 3, 4)", "compile_error", 11),
        ("BLOCK=256)", "BLOCK=250)", "compile_error", 8),
        ("x_ptr + offsets, mask=mask", "x_ptr + offsets", "out_of_bounds", 10),
        ("y_ptr + offsets, x * tl.sigmoid(x), mask=mask", "y_ptr + offsets, x * tl.sigmoid(x)", "out_of_bounds", 11),
        ("y_ptr + offsets, x", "y_ptr + offsets * 0, x", "race", 11),
        ("y_ptr + offsets, x", "x_ptr + offsets, x", "input_modified", None),
        ("(triton.cdiv(n, 256),)", "(triton.cdiv(n, 512),)", "unwritten_output", None),
        ("offsets < n", "offsets < n - 1", "unwritten_output", None),
        ("x * tl.sigmoid(x)", "x * tl.sigmoid(x) * 1.001", "inaccurate", None),
        ("x * tl.sigmoid(x)", "(x * tl.sigmoid(x)).to(tl.bfloat16)", "inaccurate", None),
        ("x * tl.sigmoid(x)", "tl.where(x > 1, x / 0.0, x * tl.sigmoid(x))", "inf_mismatch", None),
        ("torch.empty_like(x)", "torch.empty_like(x, dtype=torch.float16)", "output_dtype", None),
        ("    return y", "    return y.view(1, -1)", "output_shape", None),
        ("    return y", "    return [y]", "result_structure", None),
        ("    return y", "    return x", "aliases_input", None),
        ("    return y", "    return torch.zeros_like(y)", "passthrough", None),
        ("    silu[", "    0 and silu[", "passthrough", None),
    ],
)
def test_what_is_wrong_is_refused_with_its_cause_and_place(
    verify: Verify, silu: Any, old: str, new: str, cause: str, line: int | None
):
    verdict = verify(silu.problem, silu.edited(old, new))
    assert (verdict.outcome, verdict.cause) == ("refused", cause), verdict.message
    assert (verdict.where or {}).get("line") == line
    assert verdict.message and verdict.fix


def test_the_worst_element_is_told(verify: Verify, silu: Any):
    spoiled = silu.edited("x * tl.sigmoid(x)", "tl.where(offsets == 77, 5.0, x * tl.sigmoid(x))")
    worst = verify(silu.problem, spoiled).worst
    assert worst is not None
    assert (worst["output"], worst["index"], worst["got"]) == (0, [77], 5.0)
    assert -1 < worst["want"] < 4.9 and worst["error_over_eager"] > 8


def test_the_failing_sizes_are_shrunk(verify: Verify, silu: Any):
    """Wrong at every odd size above 500: the smallest of these that is tried is what the verdict shows."""
    problem = silu.problem.replace("n = 2000", "n = 512")
    verdict = verify(problem, silu.edited("tl.sigmoid(x)", "(tl.sigmoid(x) + (n % 2) * (n > 500))"))
    assert verdict.cause == "inaccurate" and verdict.case is not None
    assert verdict.case["sizes"] == {"n": 511}


def test_a_kernel_that_says_what_it_does_not_support_is_specialised(verify: Verify, silu: Any):
    guard = "    if x.numel() != 2000:\n        raise ValueError('kernelfalcon: unsupported n')\n"
    verdict = verify(silu.problem, silu.edited("    n = x", f"{guard}    n = x"))
    assert verdict.outcome == "specialised"
    own = [entry for entry in verdict.unsupported if entry["dtypes"] == "declared"]
    assert own and all(entry["sizes"]["n"] != 2000 for entry in own)


def test_the_declared_sizes_must_be_supported(verify: Verify, silu: Any):
    verdict = verify(
        silu.problem, silu.edited("    n = x", "    raise ValueError('kernelfalcon: unsupported n')\n    n = x")
    )
    assert (verdict.outcome, verdict.cause) == ("refused", "unsupported_declared")


def test_results_kept_by_shape_are_stale(verify: Verify, silu: Any):
    look_up = "CACHE = {}\n\n\ndef kernel_function(x):\n    if x.shape in CACHE:\n        return CACHE[x.shape]"
    cached = silu.edited("def kernel_function(x):", look_up)
    verdict = verify(silu.problem, cached.replace("    return y\n", "    CACHE[x.shape] = y\n    return y\n"))
    assert (verdict.outcome, verdict.cause) == ("refused", "kept_tensor")


def test_every_configuration_of_an_autotuned_kernel_must_be_right(verify: Verify, silu: Any):
    tuned = silu.edited(
        "@triton.jit",
        "CONFIGS = [triton.Config({'BLOCK': 256, 'BIAS': 0.0}), triton.Config({'BLOCK': 128, 'BIAS': 1.0})]\n\n\n"
        "@triton.autotune(CONFIGS, key=['n'])\n"
        "@triton.jit",
    )
    tuned = tuned.replace("BLOCK: tl.constexpr", "BIAS: tl.constexpr, BLOCK: tl.constexpr")
    tuned = tuned.replace("(triton.cdiv(n, 256),)", "lambda meta: (triton.cdiv(n, meta['BLOCK']),)")
    tuned = tuned.replace("n, BLOCK=256)", "n)")
    assert verify(silu.problem, tuned).outcome == "accepted"
    spoiled = tuned.replace("x * tl.sigmoid(x)", "x * tl.sigmoid(x) + BIAS")
    assert verify(silu.problem, spoiled).cause == "inaccurate"


def test_an_endless_wrapper_ends(verify: Verify, silu: Any):
    verdict = verify(silu.problem, silu.edited("    n = x", "    while True:\n        pass\n    n = x"))
    assert (verdict.outcome, verdict.cause) == ("refused", "wrapper_timeout")


def test_an_endless_kernel_ends_and_the_next_verdict_is_right(verify: Verify, silu: Any):
    loop = silu.edited("    tl.store", "    while tl.program_id(0) >= 0:\n        x += 1.0\n    tl.store")
    verdict = verify(silu.problem, loop)
    assert (verdict.outcome, verdict.cause) == ("undecided", "not_runnable")
    assert verify(silu.problem, silu.kernel).outcome == "accepted"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    silu[(triton.cdiv(n, 256),)]", "    silu[(triton.cdiv(n, 256), 1 if n == 2000 else 60_000)]"),
        ("    n =", "    x.numel() == 2000 or torch.empty(8 << 30, dtype=torch.int8, device=x.device)\n    n ="),
    ],
)
def test_cases_are_not_left_out_because_the_candidate_makes_them_costly(verify: Verify, silu: Any, old: str, new: str):
    """Wrong for each n but the declared one; for all others it spends the operations, or the memory, of its call."""
    spoiled = silu.edited(old, new).replace("x * tl.sigmoid(x)", "x * tl.sigmoid(x) + (n != 2000)")
    verdict = verify(silu.problem, spoiled)
    assert (verdict.outcome, verdict.cause) == ("undecided", "not_runnable"), verdict.message


def test_a_scalar_that_a_kernel_computed_may_decide(verify: Verify, silu: Any):
    """The wrapper branches on a value that comes from a kernel, and allocates for it."""
    counted = silu.edited("def kernel_function(x):", COUNT).replace(
        "    return y", "    return y if int(found) >= 0 else x"
    )
    verdict = verify(silu.problem, counted)
    assert verdict.outcome == "accepted", verdict.message
    assert "host_reads" in verdict.flags and verdict.host_reads == 1
    assert verify(silu.problem, silu.kernel).host_reads == 0


def test_a_wrapper_that_reads_may_count_its_calls_no_more_than_another(verify: Verify, silu: Any):
    """Its plan is known from runs only; the hundred traces of the gate are told what a run read."""
    reading = silu.edited("def kernel_function(x):", COUNT).replace(
        "    return y", "    assert int(found) >= 0\n    return y"
    )
    assert verify(silu.problem, reading, "accept").outcome == "accepted"
    bomb = "    CALLS.append(1)\n    return y if len(CALLS) != 99 else torch.empty_like(y)"
    counting = reading.replace("    return y", bomb).replace(
        "@triton.jit\ndef count", "CALLS = []\n\n\n@triton.jit\ndef count"
    )
    verdict = verify(silu.problem, counting, "accept")
    assert (verdict.outcome, verdict.cause) == ("refused", "plan_changes"), verdict.message


COUNT = """\
@triton.jit
def count(x_ptr, found_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offsets, mask=offsets < n, other=0.0)
    tl.atomic_add(found_ptr, tl.sum((x > 0).to(tl.int32), 0))


def kernel_function(x):
    found = torch.zeros(1, dtype=torch.int32, device=x.device)
    count[(triton.cdiv(x.numel(), 256),)](x, found, x.numel(), BLOCK=256)"""
