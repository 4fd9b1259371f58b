"""Problems of every shape that a contract can have, each with a kernel that is right and one that is not."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

from pytest_kernelfalcon.judge.verdict import Verdict

Verify = Callable[..., Verdict]

HEAD = "import torch\nimport triton\nimport triton.language as tl\n\n\n"
PROBLEM = "import torch\n\n\n"


def check(verify: Verify, problem: str, kernel: str, *edits: tuple[str, str, str]) -> None:
    """`kernel` is accepted; with each edit (old, new, cause) it is refused."""
    problem, kernel = PROBLEM + dedent(problem), HEAD + dedent(kernel)
    honest = verify(problem, kernel)
    assert honest.outcome == "accepted", honest.message
    for old, new, cause in edits:
        assert old in kernel
        verdict = verify(problem, kernel.replace(old, new))
        assert (verdict.outcome, verdict.cause) == ("refused", cause), (new, verdict.message)


def test_state_in_all_its_forms(verify: Verify):
    """Parameters, a non-persistent buffer, a plain attribute, and two names of one tensor; ones at construction."""
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def __init__(self, features):
                super().__init__()
                self.scale = torch.nn.Parameter(torch.ones(features))
                self.inner = torch.nn.Module()
                self.inner.bias = torch.nn.Parameter(torch.zeros(features))
                self.again = self.scale
                self.register_buffer("shift", torch.full((features,), 0.5), persistent=False)
                self.gain = torch.linspace(1, 2, features)

            def forward(self, x):
                return (x * self.scale + self.inner.bias) * self.gain + self.shift * self.again

        batch = 6
        features = 40

        def get_inputs():
            return [torch.randn(batch, features)]

        def get_init_inputs():
            return [features]
        """,
        """
        @triton.jit
        def affine(x_ptr, out_ptr, scale_ptr, bias_ptr, gain_ptr, shift_ptr, n, width, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            mask = at < n
            column = at % width
            x = tl.load(x_ptr + at, mask=mask)
            scale = tl.load(scale_ptr + column, mask=mask)
            bias = tl.load(bias_ptr + column, mask=mask)
            gain = tl.load(gain_ptr + column, mask=mask)
            shift = tl.load(shift_ptr + column, mask=mask)
            tl.store(out_ptr + at, (x * scale + bias) * gain + shift * scale, mask=mask)


        def kernel_function(x, scale, inner_bias, gain, shift):
            out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            n, width = x.numel(), x.shape[1]
            affine[(triton.cdiv(n, 128),)](x.contiguous(), out, scale, inner_bias, gain, shift, n, width, BLOCK=128)
            return out
        """,
        ("x * scale + bias", "x + bias", "inaccurate"),
        ("x * scale + bias", "x * scale", "inaccurate"),
        ("gain, shift):", "gain, shift, again):", "wrapper_raised"),
    )


def test_several_outputs_of_other_types(verify: Verify):
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def forward(self, x, limit):
                return {"above": x > limit, "count": (x * 10).to(torch.int32)}, [x * 2]

        n = 300

        def get_inputs():
            return [torch.randn(n), 0.25]

        def get_init_inputs():
            return []
        """,
        """
        @triton.jit
        def split(x_ptr, above_ptr, count_ptr, twice_ptr, limit, n, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            mask = at < n
            x = tl.load(x_ptr + at, mask=mask)
            tl.store(above_ptr + at, x > limit, mask=mask)
            tl.store(count_ptr + at, (x * 10).to(tl.int32), mask=mask)
            tl.store(twice_ptr + at, x * 2, mask=mask)


        def kernel_function(x, limit):
            above = torch.empty(x.shape, dtype=torch.bool, device=x.device)
            count = torch.empty(x.shape, dtype=torch.int32, device=x.device)
            twice = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            n = x.numel()
            split[(triton.cdiv(n, 64),)](x.contiguous(), above, count, twice, limit, n, BLOCK=64)
            return {"above": above, "count": count}, [twice]
        """,
        ("x > limit", "x < limit", "values_differ"),
        ("x * 10", "x * 10 + 1", "values_differ"),
        ('{"above": above, "count": count}', '{"above": above}', "result_structure"),
        ("[twice]", "[twice, twice]", "result_structure"),
    )


def test_an_input_that_is_changed_in_place(verify: Verify):
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def forward(self, cache, x):
                cache += x
                return cache * 2

        n = 200

        def get_inputs():
            return [torch.randn(n), torch.randn(n)]

        def get_init_inputs():
            return []
        """,
        """
        @triton.jit
        def add(cache_ptr, x_ptr, out_ptr, n, stride, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            mask = at < n
            total = tl.load(cache_ptr + at * stride, mask=mask) + tl.load(x_ptr + at, mask=mask)
            tl.store(cache_ptr + at * stride, total, mask=mask)
            tl.store(out_ptr + at, total * 2, mask=mask)


        def kernel_function(cache, x):
            out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            n = x.numel()
            add[(triton.cdiv(n, 64),)](cache, x.contiguous(), out, n, cache.stride(0), BLOCK=64)
            return out
        """,
        ("    tl.store(cache_ptr + at * stride, total, mask=mask)\n", "", "inaccurate"),
        ("tl.store(cache_ptr + at * stride", "tl.store(x_ptr + at", "input_modified"),
    )


def test_every_tensor_of_an_input_that_is_changed_in_place(verify: Verify):
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def forward(self, caches, x):
                for cache in caches:
                    cache += x
                return x * 2

        n = 200

        def get_inputs():
            return [[torch.randn(n), torch.randn(n)], torch.randn(n)]

        def get_init_inputs():
            return []
        """,
        """
        @triton.jit
        def add(one_ptr, two_ptr, x_ptr, out_ptr, n, one_stride, two_stride, stride, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            mask = at < n
            x = tl.load(x_ptr + at * stride, mask=mask)
            tl.store(one_ptr + at * one_stride, tl.load(one_ptr + at * one_stride, mask=mask) + x, mask=mask)
            tl.store(two_ptr + at * two_stride, tl.load(two_ptr + at * two_stride, mask=mask) + x, mask=mask)
            tl.store(out_ptr + at, x * 2, mask=mask)


        def kernel_function(caches, x):
            out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            one, two = caches
            strides = one.stride(0), two.stride(0), x.stride(0)
            add[(triton.cdiv(x.numel(), 64),)](one, two, x, out, x.numel(), *strides, BLOCK=64)
            return out
        """,
        ("tl.load(one_ptr + at * one_stride, mask=mask) + x", "x", "inaccurate"),
        ("tl.load(two_ptr + at * two_stride, mask=mask) + x", "x", "inaccurate"),
    )


def test_an_output_that_is_the_changed_input(verify: Verify):
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def forward(self, x):
                return x.mul_(2)

        n = 200

        def get_inputs():
            return [torch.randn(n)]

        def get_init_inputs():
            return []
        """,
        """
        @triton.jit
        def double(x_ptr, n, stride, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            x_ptrs = x_ptr + at * stride
            tl.store(x_ptrs, tl.load(x_ptrs, mask=at < n) * 2, mask=at < n)


        def kernel_function(x):
            double[(triton.cdiv(x.numel(), 64),)](x, x.numel(), x.stride(0), BLOCK=64)
            return x
        """,
        ("* 2, mask", "* 2 + 1e-3, mask", "inaccurate"),
    )


def test_inputs_that_are_not_contiguous_shared_or_scalars(verify: Verify):
    """A transposed view, a 0-dim tensor, booleans, and a view that overlaps with another input."""
    check(
        verify,
        """
        class Model(torch.nn.Module):
            def forward(self, x, head, keep, bias):
                return torch.where(keep, x * head, bias)

        rows = 9
        columns = 14

        def get_inputs():
            base = torch.randn(columns, rows)
            return [base.t(), base[:, 0], torch.rand(rows, columns) > 0.5, torch.tensor(0.75)]

        def get_init_inputs():
            return []
        """,
        """
        @triton.jit
        def select(x_ptr, head_ptr, keep_ptr, bias_ptr, out_ptr, rows, columns, x_r, x_c, head_c, BLOCK: tl.constexpr):
            row = tl.program_id(0)
            at = tl.arange(0, BLOCK)
            mask = at < columns
            x = tl.load(x_ptr + row * x_r + at * x_c, mask=mask)
            head = tl.load(head_ptr + at * head_c, mask=mask)
            keep = tl.load(keep_ptr + row * columns + at, mask=mask)
            bias = tl.load(bias_ptr)
            tl.store(out_ptr + row * columns + at, tl.where(keep, x * head, bias), mask=mask)


        def kernel_function(x, head, keep, bias):
            rows, columns = x.shape
            out = torch.empty((rows, columns), device=x.device, dtype=x.dtype)
            block = triton.next_power_of_2(columns)
            strides = x.stride(0), x.stride(1), head.stride(0)
            select[(rows,)](x, head, keep, bias, out, rows, columns, *strides, BLOCK=block)
            return out
        """,
        ("row * x_r + at * x_c", "row * columns + at", "inaccurate"),
        ("at * head_c", "at", "inaccurate"),
        ("tl.load(bias_ptr)", "0.75", "inaccurate"),
    )


def test_dropout_is_switched_off_and_said_so(verify: Verify):
    problem = """
        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.drop = torch.nn.Dropout(0.5)

            def forward(self, x):
                return self.drop(x) + 1

        n = 100

        def get_inputs():
            return [torch.randn(n)]

        def get_init_inputs():
            return []
        """
    kernel = """
        @triton.jit
        def plus(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
            at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
            tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < n) + 1, mask=at < n)


        def kernel_function(x):
            out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            plus[(triton.cdiv(x.numel(), 64),)](x.contiguous(), out, x.numel(), BLOCK=64)
            return out
        """
    check(verify, problem, kernel, ("+ 1, mask", "* 2 + 1, mask", "inaccurate"))
    assert "dropout_eval" in verify(PROBLEM + dedent(problem), HEAD + dedent(kernel)).flags
