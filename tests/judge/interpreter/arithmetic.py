"""Types, casts, products, library functions, reductions: against torch, bit by bit where that is possible."""

import math

import torch
import triton
import triton.language as tl
from harness import fault_of, launch, main
from triton.language.extra import libdevice
from triton.language.extra.cuda import libdevice as cuda_libdevice

torch.manual_seed(0)


@triton.jit
def add(x, y, z, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(z + i, tl.load(x + i) + tl.load(y + i))


@triton.jit
def cast(x, z, N: tl.constexpr, TYPE: tl.constexpr, ROUND: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(z + i, tl.load(x + i).to(TYPE, fp_downcast_rounding=ROUND))


@triton.jit
def dot(a, b, c, N: tl.constexpr, PRECISION: tl.constexpr, TYPE: tl.constexpr):
    i = tl.arange(0, N)
    at = i[:, None] * N + i[None, :]
    tl.store(c + at, tl.dot(tl.load(a + at), tl.load(b + at), input_precision=PRECISION, out_dtype=TYPE))


def values(dtype=torch.float32, count=256):
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-40, 1.00390625, 1.01171875, 3e38])
    return torch.cat([special, torch.randn(count - len(special)) * 10]).to(dtype)


def same_bits(got, want):
    view = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[want.element_size()]
    nan = got.float().isnan() & want.float().isnan()
    differ = (got.view(view) != want.view(view)) & ~nan
    assert not differ.any(), (got[differ][:5], want[differ][:5])


def case_bf16_arithmetic():
    x, y = torch.randn(256).bfloat16(), torch.randn(256).bfloat16()
    z = torch.empty(256, dtype=torch.bfloat16)
    launch(add, (1,), x, y, z, 256)
    same_bits(z, x + y)


def case_bf16_and_fp16_casts_round_to_nearest_even():
    for dtype, kind in ((torch.bfloat16, tl.bfloat16), (torch.float16, tl.float16)):
        x, z = values(), torch.empty(256, dtype=dtype)
        launch(cast, (1,), x, z, 256, kind, None)
        same_bits(z, x.to(dtype))


def case_bf16_rounded_towards_zero():
    x, z = values(), torch.empty(256, dtype=torch.bfloat16)
    launch(cast, (1,), x, z, 256, tl.bfloat16, "rtz")
    truncated = (x.view(torch.int32) >> 16 << 16).view(torch.float32)
    same_bits(z, truncated.bfloat16())


def case_fp8_casts():
    for dtype, kind, largest in (
        (torch.float8_e4m3fn, tl.float8e4nv, 448.0),
        (torch.float8_e5m2, tl.float8e5, 57344.0),
    ):
        x, z = torch.randn(256) * 8, torch.empty(256, dtype=dtype)
        launch(cast, (1,), x, z, 256, kind, None)
        same_bits(z, x.to(dtype))
        x[:3] = torch.tensor([1e6, -float("inf"), float("nan")])
        launch(cast, (1,), x, z, 256, kind, None)
        assert z[:2].float().tolist() == [largest, -largest] and z[2].float().isnan()
        back = torch.empty(256)
        launch(cast, (1,), z, back, 256, tl.float32, None)
        same_bits(back, z.float())


def product(dtype, precision="ieee", out=tl.float32):
    a, b = torch.randn(32, 32).to(dtype), torch.randn(32, 32).to(dtype)
    c = torch.empty(32, 32)
    launch(dot, (1,), a, b, c, 32, precision, out)
    exact = a.double() @ b.double()
    return float((c - exact).abs().max() / exact.abs().max())


def case_dot_of_low_precision():
    for dtype in (torch.float16, torch.bfloat16, torch.float8_e5m2, torch.float8_e4m3fn):
        assert product(dtype) < 1e-6, dtype


def case_dot_precisions():
    errors = {name: product(torch.float32, name) for name in ("tf32", "tf32x3", "ieee", "bf16x3", "bf16x6")}
    assert 1e-5 < errors["tf32"] < 2e-3, errors
    assert errors["ieee"] < 5e-7 and errors["tf32x3"] < 2e-6 and errors["bf16x6"] < 2e-6, errors
    assert 1e-7 < errors["bf16x3"] < 1e-4, errors
    assert product(torch.float32, None) > 1e-5  # tf32 is what Triton takes by default


def case_dot_of_integers():
    a, b = (torch.randint(-128, 127, (32, 32), dtype=torch.int8) for _ in range(2))
    c = torch.empty(32, 32, dtype=torch.int32)
    launch(dot, (1,), a, b, c, 32, None, tl.int32)
    assert torch.equal(c, a.int() @ b.int())


@triton.jit
def scaled_dot(a, b, scale, c, N: tl.constexpr):
    i, k = tl.arange(0, 32), tl.arange(0, N)
    left, right = tl.load(a + i[:, None] * N + k[None, :]), tl.load(b + k[:, None] * 32 + i[None, :])
    scales = tl.load(scale + i[:, None] * (N // 32) + tl.arange(0, N // 32)[None, :])
    tl.store(c + i[:, None] * 32 + i[None, :], tl.dot_scaled(left, scales, "e4m3", right, None, "bf16"))


def case_scaled_dot():
    a, b = torch.randn(32, 64).to(torch.float8_e4m3fn), torch.randn(64, 32).bfloat16()
    scale, c = torch.randint(120, 134, (32, 2), dtype=torch.uint8), torch.zeros(32, 32)
    if not hasattr(triton.runtime.interpreter.InterpreterBuilder, "create_dot_scaled"):
        fault = fault_of(scaled_dot, (1,), a, b, scale, c, 64)
        assert fault.cause == "not_runnable" and "tl.dot_scaled" in fault.detail, fault.detail
        return
    launch(scaled_dot, (1,), a, b, scale, c, 64)
    wide = a.double() * (2.0 ** (scale.double() - 127)).repeat_interleave(32, 1)
    assert torch.allclose(c.double(), wide @ b.double(), rtol=1e-4, atol=1e-2)


@triton.jit
def float_argument(x, z, scale, N: tl.constexpr):
    i = tl.arange(0, N)
    y = tl.load(x + i) * scale
    tl.static_assert(y.dtype == tl.float32)
    tl.store(z + i, y + scale.to(tl.float16))


def case_float_arguments_are_fp32_tensors():
    x, z = torch.randn(16).half(), torch.empty(16)
    launch(float_argument, (1,), x, z, 0.1, 16)
    assert torch.allclose(z, x.float() * 0.1 + torch.tensor(0.1).half().float())


@triton.jit
def functions(x, y, z, N: tl.constexpr):
    i = tl.arange(0, N)
    a, b = tl.load(x + i), tl.load(y + i)
    tl.store(z + 0 * N + i, libdevice.tanh(a))
    tl.store(z + 1 * N + i, cuda_libdevice.erf(a))
    tl.store(z + 2 * N + i, libdevice.pow(tl.abs(a), b))
    tl.store(z + 3 * N + i, libdevice.rint(a))
    tl.store(z + 4 * N + i, libdevice.round(a))
    tl.store(z + 5 * N + i, libdevice.isnan(a).to(tl.float32))
    tl.store(z + 6 * N + i, libdevice.fast_expf(a))
    tl.store(z + 7 * N + i, libdevice.fma(a, b, b))
    tl.store(z + 8 * N + i, libdevice.atan2(a, b))
    tl.store(z + 9 * N + i, libdevice.div_rn(a, b))
    tl.store(z + 10 * N + i, libdevice.tgamma(a))
    tl.store(z + 11 * N + i, libdevice.float2int_rn(a).to(tl.float32))
    tl.store(z + 12 * N + i, libdevice.popc(i).to(tl.float32))
    tl.store(z + 13 * N + i, libdevice.erfinv(a * 0.3))
    tl.store(z + 14 * N + i, tl.erf(a))
    tl.store(z + 15 * N + i, libdevice.add_rd(a, b))


def case_library_functions():
    x, y = torch.randn(64), torch.randn(64).abs() + 0.5
    x[:5] = torch.tensor([0.5, 1.5, -2.5, 3.0, -0.5])
    z = torch.empty(16, 64)
    launch(functions, (1,), x, y, z, 64)
    away = torch.sign(x) * torch.floor(x.abs() + 0.5)
    gamma = torch.tensor([math.gamma(v) for v in x.tolist()])
    bits = torch.tensor([float(i.bit_count()) for i in range(64)])
    want = [
        x.tanh(), x.erf(), x.abs() ** y, x.round(), away, torch.zeros(64), x.exp(), x * y + y, x.atan2(y), x / y,
        gamma, x.round(), bits, (x * 0.3).erfinv(), x.erf(),
    ]  # fmt: skip
    for row, expected in enumerate(want):
        assert torch.allclose(z[row], expected, rtol=2e-6, atol=1e-6), (row, z[row][:5], expected[:5])
    exact = x.double() + y.double()
    assert (z[15].double() <= exact).all() and (exact - z[15].double()).max() < 1e-6 and (z[15] != x + y).any()


@triton.jit
def unknown_function(x, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(x + i, libdevice.jn(i, tl.load(x + i)))


def case_an_unknown_library_function_is_not_the_kernels_fault():
    fault = fault_of(unknown_function, (1,), torch.ones(16), 16)
    assert fault.cause == "not_runnable" and "jn" in fault.detail, fault.detail


@triton.jit
def reductions(x, z, i32, ROWS: tl.constexpr, N: tl.constexpr):
    r, c = tl.arange(0, ROWS), tl.arange(0, N)
    a = tl.load(x + r[:, None] * N + c[None, :])
    tl.store(z + 0 * ROWS + r, tl.sum(a, axis=1))
    tl.store(z + 1 * ROWS + r, tl.max(a, axis=-1))
    tl.store(z + 2 * ROWS + r, tl.min(a, 1))
    tl.store(i32 + 0 * ROWS + r, tl.argmax(a, axis=1))
    tl.store(i32 + 1 * ROWS + r, tl.argmin(a, axis=1))
    value, index = tl.max(a, axis=1, return_indices=True)
    tl.store(z + 3 * ROWS + r, value)
    tl.store(i32 + 2 * ROWS + r, index)
    tl.store(z + 4 * ROWS, tl.sum(a))
    tl.store(z + 4 * ROWS + 1, tl.sum(tl.sum(a, axis=0, keep_dims=True)))
    tl.store(i32 + 3 * ROWS + r, tl.xor_sum((a * 1000).to(tl.int32), axis=1))
    tl.store(z + 5 * ROWS + r, a.sum(1))


def case_reductions():
    x = torch.randn(4, 64)
    x[1, 5] = x[1, 40] = 9.0
    z, i32 = torch.zeros(6, 4), torch.zeros(4, 4, dtype=torch.int32)
    launch(reductions, (1,), x, z, i32, 4, 64)
    want = [x.sum(1), x.amax(1), x.amin(1), x.amax(1)]
    for row, expected in enumerate(want):
        assert torch.allclose(z[row], expected, atol=1e-5), row
    assert torch.allclose(z[4, :2], x.sum().expand(2), atol=1e-4) and torch.allclose(z[5], x.sum(1), atol=1e-5)
    assert i32[0].tolist() == x.argmax(1).tolist() and i32[0, 1] == 5 and i32[1].tolist() == x.argmin(1).tolist()
    assert i32[2].tolist() == x.argmax(1).tolist()
    xor = [0] * 4
    for r in range(4):
        for v in (x[r] * 1000).int().tolist():
            xor[r] ^= v
    assert i32[3].tolist() == xor


@triton.jit
def extremes(x, z, i32, N: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i)
    tl.store(z, tl.max(a, axis=0))
    tl.store(z + 1, tl.min(a, axis=0))
    tl.store(i32, tl.argmax(a, axis=0))


def case_reductions_of_nan():
    x, z, i32 = torch.randn(16), torch.zeros(2), torch.zeros(1, dtype=torch.int32)
    x[3] = float("nan")
    launch(extremes, (1,), x, z, i32, 16)
    assert z.tolist() == [x.nan_to_num(-9).max(), x.nan_to_num(9).min()]
    assert not x[i32].isnan()
    launch(extremes, (1,), torch.full((16,), float("nan")), z, i32, 16)
    assert z.isnan().all()


@triton.jit
def pairwise(x, y, z, N: tl.constexpr):
    i = tl.arange(0, N)
    a, b = tl.load(x + i), tl.load(y + i)
    tl.store(z + i, tl.maximum(a, b))
    tl.store(z + N + i, tl.minimum(a, b))
    tl.store(z + 2 * N + i, tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL))


def case_maximum_and_minimum_of_nan():
    nan, z = float("nan"), torch.zeros(3, 4)
    launch(pairwise, (1,), torch.tensor([nan, 1.0, nan, 2.0]), torch.tensor([5.0, nan, nan, 3.0]), z, 4)
    assert z[0, :2].tolist() == z[1, :2].tolist() == [5, 1] and z[:2, 2].isnan().all()
    assert z[2, :3].isnan().all() and z[:, 3].tolist() == [3, 2, 3]


@triton.jit
def sum_of_halves(x, z, N: tl.constexpr):
    tl.store(z, tl.sum(tl.load(x + tl.arange(0, N)), axis=0))


def case_fp16_sums_keep_fp16():
    x, z = torch.full((1024,), 2.0).half(), torch.zeros(1).half()
    x[1:] = 2**-11 * 1.5
    launch(sum_of_halves, (1,), x, z, 1024)
    half = x.clone()
    while len(half) > 1:
        half = half[: len(half) // 2] + half[len(half) // 2 :]
    assert z == half and z != x.double().sum().half()


@triton.jit
def welford(mean1, m1, w1, mean2, m2, w2):
    delta = mean2 - mean1
    w = w1 + w2
    ratio = tl.where(w == 0.0, 0.0, w2 / w)
    return mean1 + delta * ratio, m1 + m2 + delta * delta * w1 * ratio, w


@triton.jit
def moments(x, z, N: tl.constexpr):
    a = tl.load(x + tl.arange(0, N))
    mean, m2, weight = tl.reduce((a, tl.zeros_like(a), tl.full((N,), 1.0, tl.float32)), 0, welford)
    tl.store(z, mean)
    tl.store(z + 1, m2 / weight)


@triton.jit
def larger_by_branch(a, b):
    larger = b
    if a > b:
        larger = a
    return larger


@triton.jit
def branching(x, z, N: tl.constexpr):
    a = tl.load(x + tl.arange(0, N))
    tl.store(z, tl.reduce(a, 0, larger_by_branch))
    tl.store(z + 1 + tl.arange(0, N), tl.associative_scan(a, 0, larger_by_branch))


def case_custom_reductions():
    x, z = torch.randn(64), torch.zeros(65)
    launch(moments, (1,), x, z, 64)
    assert torch.allclose(z[:2], torch.stack([x.mean(), x.var(unbiased=False)]), atol=1e-5)
    launch(branching, (1,), x, z, 64)
    assert z[0] == x.max() and torch.equal(z[1:], x.cummax(0).values)


@triton.jit
def linear(a1, b1, a2, b2):
    return a1 * a2, a2 * b1 + b2


@triton.jit
def scans(x, y, z, N: tl.constexpr):
    i = tl.arange(0, N)
    a, b = tl.load(x + i), tl.load(y + i)
    tl.store(z + i, tl.cumsum(a, axis=0))
    tl.store(z + N + i, tl.cumsum(a, axis=0, reverse=True))
    _, h = tl.associative_scan((b, a), 0, linear)
    tl.store(z + 2 * N + i, h)
    tl.store(z + 3 * N + i, tl.cumprod(b, axis=0))


def case_scans():
    x, y, z = torch.randn(64), torch.rand(64) + 0.4, torch.zeros(4, 64)
    launch(scans, (1,), x, y, z, 64)
    state, states = 0.0, []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        state = b * state + a
        states.append(state)
    want = [x.cumsum(0), x.flip(0).cumsum(0).flip(0), torch.tensor(states), y.cumprod(0)]
    for row, expected in enumerate(want):
        assert torch.allclose(z[row], expected, rtol=1e-4, atol=1e-4), row


@triton.jit
def sorting(x, z, N: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i)
    tl.store(z + i, tl.sort(a))
    tl.store(z + N + i, tl.sort(a, descending=True))
    tl.store(z + 2 * N + tl.arange(0, 4), tl.topk(a, 4))


def case_sorting():
    x, z = torch.randn(64), torch.zeros(3, 64)
    launch(sorting, (1,), x, z, 64)
    assert torch.equal(z[0], x.sort().values) and torch.equal(z[1], x.sort(descending=True).values)
    assert torch.equal(z[2, :4], x.topk(4).values)


@triton.jit
def random_numbers(z, seed, N: tl.constexpr):
    i = tl.arange(0, N)
    tl.store(z + i, tl.randint(seed, i))
    tl.store(z + N + i, tl.randint(seed, i.to(tl.int64) + 2**40).to(tl.int32))


def philox(seed, offset):
    """Philox4x32-10: the first word."""
    c, k = [offset, 0, 0, 0], [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c[0]


def case_random_numbers_wrap_legally():
    z = torch.zeros(2, 16, dtype=torch.int32)
    launch(random_numbers, (1,), z, 1234, 16)
    assert [v & 0xFFFFFFFF for v in z[0].tolist()] == [philox(1234, i) for i in range(16)]
    assert len(set(z[1].tolist())) == 16


@triton.jit
def integers(x, z, N: tl.constexpr):
    i = tl.arange(0, N)
    a = tl.load(x + i)
    tl.store(z + i, tl.umulhi(a, a + 12345))
    tl.store(z + N + tl.arange(0, 8), tl.histogram((a & 15).to(tl.int32), 8).to(tl.int64))
    tl.store(z + 2 * N + i, tl.gather(a, N - 1 - i, 0))


def case_integer_functions():
    x, z = torch.randint(-(2**62), 2**62, (32,)), torch.zeros(3, 32, dtype=torch.int64)
    launch(integers, (1,), x, z, 32)
    high = [((v % 2**64) * ((v + 12345) % 2**64)) >> 64 for v in x.tolist()]
    assert [v % 2**64 for v in z[0].tolist()] == high
    assert z[1, :8].tolist() == [sum((v & 15) == b for v in x.tolist()) for b in range(8)]
    assert torch.equal(z[2], x.flip(0))


if __name__ == "__main__":
    main(globals())
