"""What the compiler makes of a kernel's Python, errors and their lines, budgets, speed."""

import time

import torch
import triton
import triton.language as tl
from harness import fault_of, launch, line_of, main

from pytest_kernelfalcon.judge import interpreter


@triton.jit
def loops(x, n, big):
    total = tl.zeros((), tl.int64)
    for i in range(n):
        total += i.to(tl.int64) * 2
    for i in range(6, 0, -2):
        total += i.to(tl.int64)
    for i in tl.range(0, n, 2, num_stages=3):
        total += i.to(tl.int64)
    for i in tl.static_range(3):
        total += tl.sum(tl.full((4,), i + 1, tl.int32), axis=0)
        i += 0
        total += i.to(tl.int64) - i
    for i in range(big, big + 2):
        tl.static_assert(i.dtype == tl.int64)
        total += i - big
    k = 0
    while k < n and k < 3:
        k += 1
        total += k
    tl.store(x, total)


def case_loops():
    x = torch.zeros(1, dtype=torch.int64)
    launch(loops, (1,), x, 5, 2**33)
    assert x.item() == 20 + 12 + 6 + 24 + 1 + 6


@triton.jit
def logic(x, y, n, m, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    both = (i < n) and (i >= m)
    either = i < 2 or i > 5
    tl.store(y + i, both.to(tl.int32), mask=i < BLOCK)
    tl.store(y + BLOCK + i, either.to(tl.int32))
    tl.store(y + 2 * BLOCK + i, (not either).to(tl.int32))
    tl.store(y + 3 * BLOCK + i, (both & (i != 3)).to(tl.int32))
    scalar = n > 3
    tl.store(y + 4 * BLOCK + i, 1, mask=(i < 6) & scalar)
    tl.store(y + 5 * BLOCK + i, min(i, n) + max(i, 3, m) + min(2, 3))
    if BLOCK > 4 and x is not None and n == 6:
        tl.store(y + 6 * BLOCK, 1 if m == 2 else 0)
    if x is None or tl.load(x) > 0:
        tl.store(y + 6 * BLOCK + 1, 1)
    if n > 100 or BLOCK == 4:
        tl.store(y + 6 * BLOCK + 2, 1)
    if not n > 100:
        tl.store(y + 6 * BLOCK + 3, 1)


def case_logic():
    y = torch.zeros(7, 8, dtype=torch.int32)
    launch(logic, (1,), None, y, 6, 2, 8)
    i = torch.arange(8)
    rows = [(i < 6) & (i >= 2), (i < 2) | (i > 5), ~((i < 2) | (i > 5)), (i >= 2) & (i < 6) & (i != 3), i < 6]
    for row, want in enumerate(rows):
        assert torch.equal(y[row], want.int()), row
    assert torch.equal(y[5], (i.clamp(max=6) + i.clamp(min=3) + 2).int())
    assert y[6].tolist() == [0, 1, 0, 1, 0, 0, 0, 0]
    launch(logic, (1,), torch.ones(1), y, 6, 2, 8)
    assert y[6, 0] == 1


@triton.jit
def chain(y, n, m, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(y + i, (m <= i < n).to(tl.int32))
    if 0 < m < n < 100:
        tl.store(y, 7)
    if 0 < tl.atomic_add(y + 1, 1) + 1 < 2 <= m:
        tl.store(y + 7, tl.load(y + 1))


def case_chained_comparisons():
    """Compiled since Triton 3.9."""
    y = torch.zeros(8, dtype=torch.int32)
    launch(chain, (1,), y, 6, 2, 8)
    assert y.tolist() == [7, 1, 1, 1, 1, 1, 0, 1]


@triton.jit
def evaluates_both(x, n):
    if n < 1 and tl.load(x + n) > 0:
        tl.store(x, 0.0)


def case_and_evaluates_both_sides_as_a_gpu_does():
    assert fault_of(evaluates_both, (1,), torch.ones(4), 4).cause == "out_of_bounds"


@triton.jit
def pair(a, b):
    return b, a + b


SCALE = tl.constexpr(3.0)


@triton.jit
def applied(value, function, TYPE: tl.constexpr):
    return function(value).to(TYPE)


@triton.jit
def tripled(value):
    assert tl.sum(value) == 12345.0, "ignored, as without TRITON_DEBUG"
    tl.device_assert(tl.sum(value) == 12345.0, "ignored too")
    tl.device_print("ignored", value)
    print("ignored", value)
    return value * SCALE


@triton.jit
def calls(x, y, weights, stride: tl.int64, flag, FUNCTION: tl.constexpr, TYPE: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    a, b = 1, 1
    for _ in range(4):
        a, b = pair(a, b)
    tl.static_assert(stride.dtype == tl.int64)
    tl.static_assert(flag.dtype == tl.int1)
    tl.static_assert(a.dtype == tl.int32)
    (first, second) = weights
    value = tl.load(x + i) * a + first + second.to(tl.float32)
    if flag:
        tl.store(y + i, applied(value, FUNCTION, TYPE))
        return
    tl.store(y + i, value)


def case_calls_tuples_and_constants():
    x, y = torch.randn(16), torch.zeros(16).half()
    launch(calls, (1,), x, y, (0.5, 2), 1, True, tripled, tl.float16, 16)
    assert torch.equal(y, ((x * 5 + 0.5 + 2) * 3).half())
    launch(calls, (1,), x, y, (0.5, 2), 1, False, tripled, tl.float16, 16)
    assert torch.equal(y, (x * 5 + 0.5 + 2).half())


@triton.jit
def wrong_shapes(x):
    a = tl.arange(0, 8)
    b = tl.arange(0, 16)
    tl.store(x + a, a + b)


@triton.jit
def block_in_if(x):
    a = tl.arange(0, 8)
    if a > 3:
        tl.store(x, 1)


@triton.jit
def static_failure(x):
    tl.static_assert(x.dtype.element_ty == tl.float32, "fp32 only")


@triton.jit
def fails_in_library(x):
    a = tl.load(x)
    a = a + 1
    tl.store(x, tl.sum(a, axis=3))


def case_python_errors_are_faults_with_a_line():
    x = torch.zeros(16, dtype=torch.int32)
    for kernel, text, kind in (
        (wrong_shapes, "a + b", "ValueError: "),
        (block_in_if, "if a > 3", "BlockTruth: the truth of a block of shape (8,)"),
        (static_failure, "tl.static_assert", "AssertionError: fp32 only"),
        (fails_in_library, "tl.sum", ""),
    ):
        fault = fault_of(kernel, (2, 1), x)
        assert fault.cause == "kernel_raised" and fault.line == line_of(kernel, text), (fault.detail, fault.line)
        assert fault.detail.startswith(kind) and fault.program == (0, 0, 0), fault.detail


@triton.jit
def endless(x):
    while True:
        pass


@triton.jit
def endless_wait(x):
    while tl.atomic_add(x, 0) == 0:
        pass


@triton.jit
def long(x, n):
    for _ in range(n):
        pass


@triton.jit
def leaf(x):
    return x + 1


@triton.jit
def bush(x):
    a = leaf(leaf(leaf(leaf(tl.program_id(0)))))
    tl.store(x, a)


def spent(kernel, grid, *args, operations):
    budget = interpreter.Budget(operations)
    try:
        launch(kernel, grid, *args, budget=budget)
    except interpreter.BudgetExceeded:
        return None
    return operations - budget.left


def case_budgets():
    x = torch.zeros(1, dtype=torch.int32)
    assert spent(endless, (1,), x, operations=1000) is None
    assert spent(endless_wait, (1,), x, operations=1000) is None
    assert spent(long, (1,), x, 10**9, operations=1000) is None
    assert spent(long, (10**9,), x, 0, operations=1000) is None
    assert spent(long, (2, 3), x, 4, operations=1000) == 6 * (1 + 4)
    assert spent(bush, (3,), x, operations=18) == 3 * (1 + 4 + 1)
    assert spent(bush, (3,), x, operations=17) is None
    assert spent(long, (0, 5), x, 4, operations=0) == 0


def case_wrong_calls():
    x = torch.zeros(1, dtype=torch.int32)
    for call, expected in (
        (lambda: launch(bush, (1, 1, 1, 1), x), "one to three sizes"),
        (lambda: launch(bush, (-1,), x), "one to three sizes"),
        (lambda: launch(bush, (1,), x, 3), "takes 1 arguments (x), not 2"),
        (lambda: interpreter.launch(lambda x: x, (1,), (x,), ()), "pass a @triton.jit function"),
        (lambda: interpreter.Budget(-1), "pass 0 or more"),
    ):
        try:
            call()
        except (ValueError, TypeError) as error:
            assert expected in str(error), error
        else:
            raise AssertionError(expected)


@triton.jit
def relu(x, y, n, BLOCK: tl.constexpr):
    i = tl.max_contiguous(tl.multiple_of(tl.program_id(0) * BLOCK + tl.arange(0, BLOCK), BLOCK), BLOCK)
    tl.store(y + i, tl.maximum(tl.load(x + i, mask=i < n), 0.0), mask=i < n)


def case_a_small_launch_is_fast():
    x, y = torch.randn(1000), torch.zeros(1000)
    launch(relu, (1,), x, y, 1000, 1024)
    assert torch.equal(y, x.relu())
    times = []
    for _ in range(30):
        start = time.perf_counter()
        launch(relu, (1,), x, y, 1000, 1024)
        times.append(time.perf_counter() - start)
    assert min(times) < 3e-3, min(times)


if __name__ == "__main__":
    main(globals())
