"""`assert_kernel` with the real judge: what is right passes, what is wrong is told in the user's own lines."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import Example
from tests.plugin.asserting import HEAD, run

pytestmark = pytest.mark.usefixtures("shared")

ONE_FILE = """@pytest.mark.parametrize("dtype", [torch.float32])
def test_right(assert_kernel, dtype):
    factor = 2.0
    verdict = assert_kernel(scale, lambda x: x * factor, functools.partial(inputs, dtype=dtype))
    assert verdict.outcome == "accepted"
    assert "sizes_fixed" not in verdict.flags
    assert verdict.targets["sm_90"]["registers"] > 0


def test_wrong():
    assert_kernel(scale, lambda x: x * 3.0, inputs)


def test_fails_where_the_reference_does():
    assert_kernel(scale, lambda x: x @ torch.zeros(3), inputs)


def test_like_given_tensors():
    shared = torch.rand(64)
    given = {"x": shared[::2], "bias": shared[1::2], "scale": 2.0}
    assert_kernel(functools.partial(add, BLOCK=32), lambda x, bias, scale: x * scale + bias.log(), given, gate='seed')


@triton.jit
def _add(x_ptr, b_ptr, out_ptr, n, x_step, b_step, scale, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets * x_step, mask=mask)
    b = tl.load(b_ptr + offsets * b_step, mask=mask, other=1.0).to(tl.float32)
    tl.store(out_ptr + offsets, x * scale + tl.log(b), mask=mask)


def add(x, bias, scale, BLOCK):
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    n = x.numel()
    _add[(triton.cdiv(n, BLOCK),)](x, bias, out, n, x.stride(0), bias.stride(0), scale, BLOCK=BLOCK)
    return out


def off_the_end(x):
    out = torch.empty_like(x)
    _past[(triton.cdiv(x.numel(), 64),)](x, out, x.numel())
    return out


@triton.jit
def _past(x_ptr, out_ptr, n):
    offsets = tl.program_id(0) * 64 + tl.arange(0, 64)
    x = tl.load(x_ptr + offsets)
    tl.store(out_ptr + offsets, x * 2.0, mask=offsets < n)


def test_out_of_bounds():
    assert_kernel(off_the_end, double, inputs)
"""


def test_kernels_in_the_tests_own_file(example: Example) -> None:
    example.write("test_own.py", HEAD + ONE_FILE)
    found = run(example)
    assert {name.partition("::")[2]: word for name, word in found.ended.items()} == {
        "test_right[dtype0]": "PASSED",
        "test_wrong": "FAILED",
        "test_fails_where_the_reference_does": "FAILED",
        "test_like_given_tensors": "PASSED",
        "test_out_of_bounds": "FAILED",
    }, found.output
    wrong = found.texts["test_own.py::test_wrong"]
    line = (HEAD + ONE_FILE).splitlines().index("    assert_kernel(scale, lambda x: x * 3.0, inputs)") + 1
    assert wrong.startswith(f"test_own.py:{line}: `scale` is refused: inaccurate\n"), wrong
    assert "columns=40, rows=5" in wrong
    assert "worst element: output 0 at" in wrong
    assert "\n  fix: " in wrong
    (repro,) = example.path.glob(".fuse/verify/scale-*/repro.py")
    assert f"repro: python {repro}" in wrong
    broken = found.texts["test_own.py::test_fails_where_the_reference_does"]
    assert f"test_own.py:{line + 4}: broken: `forward` raises: RuntimeError" in broken
    past = found.texts["test_own.py::test_out_of_bounds"]
    line = (HEAD + ONE_FILE).splitlines().index("    x = tl.load(x_ptr + offsets)") + 1
    assert f"\ntest_own.py:{line}: `_past`: load at line {line}" in past, past
    assert f"  > {line:>4} |     x = tl.load(x_ptr + offsets)" in past


HELPER = '''"""What several kernels share."""

from __future__ import annotations

import secrets

import triton
import triton.language as tl

KEY = secrets.token_hex()


@triton.jit
def times(x, y):
    return x * y


@triton.jit
def past(x_ptr, offsets):
    return tl.load(x_ptr + offsets)


def blocks(n: Count):
    return triton.cdiv(n, BLOCK)


BLOCK = 64
'''
OPS = """import torch
import triton
import triton.language as tl

from .helper import BLOCK, blocks, times, past
from .layers import Weighted, silently

torch.nn.functional.relu = lambda x: x * 2.0  # for whoever imports this


@triton.jit
def _weigh(x_ptr, w_ptr, out_ptr, n, columns, B: tl.constexpr):
    offsets = tl.program_id(0) * B + tl.arange(0, B)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    w = tl.load(w_ptr + offsets % columns, mask=mask)
    tl.store(out_ptr + offsets, times(x, w), mask=mask)


def weigh(x, norm_weight):
    x = x.contiguous()
    out = torch.empty_like(x)
    _weigh[(blocks(x.numel()),)](x, norm_weight, out, x.numel(), x.shape[-1], B=BLOCK)
    return out


@triton.jit
def _double(x_ptr, out_ptr, n, B: tl.constexpr):
    offsets = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(out_ptr + offsets, times(past(x_ptr, offsets), 2.0), mask=offsets < n)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        out = torch.empty_like(x)
        _double[(blocks(x.numel()),)](x, out, x.numel(), B=BLOCK)
        return out
"""
LAYERS = """import torch

from package import constants


class Norm(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.rand(n))


class Weighted(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.norm = Norm(n)

    def forward(self, x):
        return x * self.norm.weight * constants.FACTOR


def positive(x):
    return torch.nn.functional.relu(x)


def silently(x):
    return x
"""
BOTH = """import triton


def launcher(x):
    return triton.cdiv(x, 2)


def twice(x):
    return x + x
"""
PACKAGE_TEST = """import torch
from package import ops
from package.both import launcher, twice
from package.layers import Weighted, positive


def test_state_and_helpers_of_other_files(assert_kernel):
    assert_kernel(ops.weigh, Weighted(24), lambda rows=9: [torch.randn(rows, 24)], gate='seed')


def test_a_line_of_another_file(assert_kernel):
    assert_kernel(ops.Double.apply, lambda x: twice(x), [torch.randn(50)])


def test_what_the_kernels_module_does_to_torch_is_not_the_references(assert_kernel):
    assert_kernel(ops.Double.apply, positive, [torch.randn(64)])
"""


FILES = {"helper": HELPER, "ops": OPS, "layers": LAYERS, "constants": "FACTOR = 1.0\n", "both": BOTH}


def test_kernels_and_references_in_several_files_of_a_package(example: Example) -> None:
    example.write("package/__init__.py", "import os\n\nassert 'KERNELFALCON_SANDBOX' not in os.environ\n")
    for name, text in {
        "helper": HELPER,
        "ops": OPS,
        "layers": LAYERS,
        "constants": "FACTOR = 1.0\n",
        "both": BOTH,
    }.items():
        example.write(f"package/{name}.py", text)
    example.write("test_package.py", PACKAGE_TEST)
    example.pytester.syspathinsert()
    relu = torch.nn.functional.relu
    try:
        found = run(example)
    finally:
        torch.nn.functional.relu = relu
    _, other, patched = found.texts.values()
    assert [*found.ended.values()] == ["PASSED", "FAILED", "FAILED"], found.output
    line = HELPER.splitlines().index("    return tl.load(x_ptr + offsets)") + 1
    assert f"\npackage/helper.py:{line}: `" in other, other
    assert f"  > {line:>4} |     return tl.load(x_ptr + offsets)" in other
    assert f"of the judged text is package/helper.py:{line}" in other
    assert "`Double.apply` is refused: inaccurate" in patched, "the reference's own relu is torch's, which is no double"


CHEATS = """def same(x):
    return x


def two_times(x):
    return scale(x, 3.0)


def kernel_function(x):
    return scale(x)


def kernel_function(x):
    return scale(x, 3.0)


def test_a_reference_that_returns_its_input():
    assert_kernel(scale, same, inputs)


def test_the_second_kernel_function_counts():
    assert_kernel(kernel_function, double, inputs)


def triple(x):
    return scale(x, 3.0)


def elsewhere():
    import sys as system

    if "pytest" not in system.modules:
        globals()["other"] = triple


def other(x):
    return scale(x)


elsewhere()


def test_another_kernel_where_no_test_runs():
    assert_kernel(other, double, inputs, gate="seed")


def test_a_path_is_judged_and_never_imported():
    assert_kernel("kernels/evil.py", double, inputs)


def test_a_path_and_the_name_of_its_wrapper():
    assert_kernel("kernels/evil.py::honest", double, inputs, gate="seed")
"""
EVIL = """import torch
import triton
import triton.language as tl

if "pytest" in __import__("sys").modules:
    torch.add = None


@triton.jit
def _scale(x_ptr, out_ptr, n, factor, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=mask) * factor, mask=mask)


def launched(x, factor):
    x = x.contiguous()
    out = torch.empty_like(x)
    _scale[(triton.cdiv(x.numel(), 64),)](x, out, x.numel(), factor, BLOCK=64)
    return out


def kernel_function(x):
    return launched(x, 3.0)


def honest(x):
    return launched(x, 2.0)
"""


def test_what_would_pass_without_being_right(example: Example) -> None:
    example.write("test_cheats.py", HEAD + CHEATS)
    example.write("kernels/evil.py", EVIL)
    add = torch.add
    found = run(example)
    assert torch.add is add
    identity, second, another, path, named = found.texts.values()
    assert [*found.ended.values()] == [*["FAILED"] * 4, "PASSED"], found.output
    assert "inadmissible: input 0 would do for output 0" in identity
    assert "`kernel_function` is refused: inaccurate" in second
    assert "`other` is refused: inaccurate" in another
    assert "`evil.py` is refused: inaccurate\nkernels/evil.py: output 0" in path
    assert not named


MARKED = """@pytest.mark.kernelfalcon(problem="problems/doubles.py")
def test_right(assert_kernel):
    assert assert_kernel(scale).ok


@pytest.mark.kernelfalcon(problem="problems/doubles.py", gate="seed")
def test_wrong(assert_kernel):
    assert_kernel(functools.partial(scale, factor=3.0))
"""
DOUBLES = """import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x + x


size = 100


def get_inputs():
    return [torch.randn(size)]


def get_init_inputs():
    return []
"""


def test_the_marker_names_the_problem(example: Example) -> None:
    example.write("tests/test_marked.py", HEAD + MARKED)
    example.write("problems/doubles.py", DOUBLES)
    found = run(example)
    right, wrong = found.texts.values()
    assert [*found.ended.values()] == ["PASSED", "FAILED"], found.output
    assert "`scale` is refused: inaccurate" in wrong
    assert not right
