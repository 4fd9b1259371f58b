"""Answers written as people publish them for KernelBench: assertions of the device, BLOCK_SIZE, autotune, helpers."""

from __future__ import annotations

import pytest

from .conftest import Verify

IMPORTS = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import triton
import triton.language as tl
"""
PROBLEM = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self{arguments}):
        super(Model, self).__init__()
        {init}

    def forward(self, x):
        return {forward}

batch_size = 8
dim = 48
out_dim = 24

def get_inputs():
    return [{inputs}]

def get_init_inputs():
    return [{given}]
"""


def problem(init: str, forward: str, inputs: str, arguments: str = "", given: str = "") -> str:
    return PROBLEM.format(
        init=init, forward=forward, inputs=inputs, arguments=f", {arguments}" if arguments else "", given=given
    )


GELU = (
    problem("pass", "torch.nn.functional.gelu(x)", "torch.randn(batch_size, dim)"),
    '''
@triton.jit
def gelu_kernel(
    x_ptr,  # Pointer to input
    out_ptr,  # Pointer to output
    n_elements,
    BLOCK_SIZE: tl.constexpr,
):
    # Each program handles a contiguous block of data of size BLOCK_SIZE
    block_start = tl.program_id(0) * BLOCK_SIZE
    offsets = block_start + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    out = 0.5 * x * (1.0 + tl.math.erf(x * 0.7071067811865476))
    tl.store(out_ptr + offsets, out, mask=mask)


def triton_gelu(x: torch.Tensor):
    """This function wraps the Triton kernel call."""
    assert x.is_cuda, "Tensors must be on CUDA."
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = x.numel()
    BLOCK_SIZE = 128  # Tunable parameter for block size
    grid = lambda meta: ((n_elements + meta["BLOCK_SIZE"] - 1) // meta["BLOCK_SIZE"],)
    gelu_kernel[grid](x, out, n_elements, BLOCK_SIZE=BLOCK_SIZE)
    return out


class ModelNew(nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, x):
        return triton_gelu(x)
''',
    "1.0 + tl.math.erf",
    "1.0 - tl.math.erf",
)
LINEAR_RELU = (
    problem(
        "self.linear = nn.Linear(in_features, out_features)",
        "torch.relu(self.linear(x))",
        "torch.randn(batch_size, dim)",
        "in_features, out_features",
        "dim, out_dim",
    ),
    """
@triton.autotune(
    configs=[
        triton.Config({"BLOCK_M": 16, "BLOCK_N": 16, "BLOCK_K": 16}, num_warps=2, num_stages=2),
        triton.Config({"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 32}, num_warps=4, num_stages=3),
    ],
    key=["M", "N", "K"],
)
@triton.jit
def linear_relu_kernel(
    a_ptr, w_ptr, bias_ptr, c_ptr, M, N, K,
    stride_am, stride_ak, stride_wn, stride_wk, stride_cm, stride_cn,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):
    pid_m = tl.program_id(axis=0)
    pid_n = tl.program_id(axis=1)
    offs_m = pid_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = pid_n * BLOCK_N + tl.arange(0, BLOCK_N)
    offs_k = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + offs_m[:, None] * stride_am + offs_k[None, :] * stride_ak
    w_ptrs = w_ptr + offs_k[:, None] * stride_wk + offs_n[None, :] * stride_wn
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, tl.cdiv(K, BLOCK_K)):
        k_mask = offs_k < K - k * BLOCK_K
        a = tl.load(a_ptrs, mask=(offs_m[:, None] < M) & k_mask[None, :], other=0.0)
        w = tl.load(w_ptrs, mask=k_mask[:, None] & (offs_n[None, :] < N), other=0.0)
        acc += tl.dot(a, w, input_precision="ieee")
        a_ptrs += BLOCK_K * stride_ak
        w_ptrs += BLOCK_K * stride_wk
    bias = tl.load(bias_ptr + offs_n, mask=offs_n < N, other=0.0)
    acc = tl.maximum(acc + bias[None, :].to(tl.float32), 0.0, propagate_nan=tl.PropagateNan.ALL)
    c_ptrs = c_ptr + offs_m[:, None] * stride_cm + offs_n[None, :] * stride_cn
    tl.store(c_ptrs, acc, mask=(offs_m[:, None] < M) & (offs_n[None, :] < N))


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features):
        super(ModelNew, self).__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        assert x.is_cuda and self.linear.weight.is_cuda
        M, K = x.shape
        N = self.linear.out_features
        out = torch.empty((M, N), device=x.device, dtype=x.dtype)
        w = self.linear.weight
        grid = lambda META: (triton.cdiv(M, META["BLOCK_M"]), triton.cdiv(N, META["BLOCK_N"]))
        linear_relu_kernel[grid](
            x, w, self.linear.bias, out, M, N, K,
            x.stride(0), x.stride(1), w.stride(0), w.stride(1), out.stride(0), out.stride(1),
        )
        return out
""",
    "acc + bias[None, :].to(tl.float32)",
    "acc - bias[None, :].to(tl.float32)",
)
SOFTMAX = (
    problem("self.dim = 1", "torch.softmax(x, dim=self.dim)", "torch.randn(batch_size, dim)"),
    """
@triton.jit
def _softmax_fwd(y_ptr, x_ptr, x_row_stride, y_row_stride, n_cols, BLOCK_SIZE: tl.constexpr):
    row_idx = tl.program_id(0)
    x_row_ptr = x_ptr + row_idx * x_row_stride
    col_offsets = tl.arange(0, BLOCK_SIZE)
    mask = col_offsets < n_cols
    row = tl.load(x_row_ptr + col_offsets, mask=mask, other=-float("inf"))
    row_minus_max = row.to(tl.float32) - tl.max(row.to(tl.float32), axis=0)
    numerator = tl.exp(row_minus_max)
    denominator = tl.sum(numerator, axis=0)
    tl.store(y_ptr + row_idx * y_row_stride + col_offsets, numerator / denominator, mask=mask)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.dim = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not x.is_cuda:
            raise RuntimeError("Input tensor must be on a CUDA device.")
        x = x.contiguous()
        n_rows, n_cols = x.shape
        BLOCK_SIZE = triton.next_power_of_2(n_cols)
        num_warps = 4
        if BLOCK_SIZE >= 2048:
            num_warps = 8
        if BLOCK_SIZE >= 4096:
            num_warps = 16
        y = torch.empty_like(x)
        with torch.cuda.device(x.device):
            _softmax_fwd[(n_rows,)](y, x, x.stride(0), y.stride(0), n_cols, BLOCK_SIZE=BLOCK_SIZE, num_warps=num_warps)
        return y
""",
    'other=-float("inf")',
    "other=0.0",
)
RMS_NORM = (
    problem(
        "self.weight = nn.Parameter(torch.ones(num_features))\n        self.eps = 1e-5",
        "self.weight * x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)",
        "torch.randn(batch_size, dim)",
        "num_features",
        "dim",
    ),
    '''
@triton.jit
def rms_norm_kernel(X, W, Y, stride, N, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0)
    X += row * stride
    Y += row * stride
    _var = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for off in range(0, N, BLOCK_SIZE):
        cols = off + tl.arange(0, BLOCK_SIZE)
        x = tl.load(X + cols, mask=cols < N, other=0.0).to(tl.float32)
        _var += x * x
    rstd = 1 / tl.sqrt(tl.sum(_var, axis=0) / N + eps)
    for off in range(0, N, BLOCK_SIZE):
        cols = off + tl.arange(0, BLOCK_SIZE)
        mask = cols < N
        w = tl.load(W + cols, mask=mask)
        x = tl.load(X + cols, mask=mask, other=0.0).to(tl.float32)
        tl.store(Y + cols, x * rstd * w, mask=mask)


class ModelNew(nn.Module):
    """Optimized version of the model with a fused RMSNorm kernel."""

    def __init__(self, num_features: int):
        super(ModelNew, self).__init__()
        self.weight = nn.Parameter(torch.ones(num_features))
        self.eps = 1e-5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x_arg = x.reshape(-1, x.shape[-1]).contiguous()
        y = torch.empty_like(x_arg)
        M, N = x_arg.shape
        rms_norm_kernel[(M,)](x_arg, self.weight, y, x_arg.stride(0), N, self.eps, BLOCK_SIZE=32)
        return y.view_as(x)
''',
    "/ N + eps",
    "/ N",
)
SCALED_ADD = (
    problem(
        "self.ln = nn.LayerNorm(num_features)\n        self.scale = scale",
        "self.ln(x) * self.scale",
        "torch.randn(batch_size, dim)",
        "num_features, scale",
        "dim, 0.5",
    ),
    """
@triton.jit
def layer_norm_scale_kernel(
    x_ptr, weight_ptr, bias_ptr, out_ptr, scale, n_cols, eps, BLOCK_SIZE: tl.constexpr
):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_cols
    x = tl.load(x_ptr + row * n_cols + cols, mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / n_cols
    diff = tl.where(mask, x - mean, 0.0)
    var = tl.sum(diff * diff, axis=0) / n_cols
    rstd = 1.0 / tl.sqrt(var + eps)
    w = tl.load(weight_ptr + cols, mask=mask, other=1.0).to(tl.float32)
    b = tl.load(bias_ptr + cols, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * n_cols + cols, (diff * rstd * w + b) * scale, mask=mask)


class ModelNew(nn.Module):
    def __init__(self, num_features, scale):
        super().__init__()
        self.ln = nn.LayerNorm(num_features)
        self.scale = scale

    def forward(self, x):
        original_shape = x.shape
        x_2d = x.contiguous().view(-1, original_shape[-1])
        n_rows, n_cols = x_2d.shape
        out = torch.empty_like(x_2d)
        layer_norm_scale_kernel[(n_rows,)](
            x_2d, self.ln.weight, self.ln.bias, out, float(self.scale), n_cols, self.ln.eps,
            BLOCK_SIZE=triton.next_power_of_2(n_cols),
        )
        return out.view(original_shape)
""",
    "* w + b) * scale",
    "* w + b)",
)


@pytest.mark.parametrize(
    ("text", "answer", "right", "wrong"),
    [GELU, LINEAR_RELU, SOFTMAX, RMS_NORM, SCALED_ADD],
    ids=["gelu", "linear_relu", "softmax", "rms_norm", "layer_norm"],
)
def test_an_honest_answer_is_accepted_and_one_with_a_fault_refused(
    verify: Verify, text: str, answer: str, right: str, wrong: str
) -> None:
    honest = verify(text, IMPORTS + answer, "accept")
    assert honest.outcome == "accepted", honest.message
    assert right in answer
    verdict = verify(text, IMPORTS + answer.replace(right, wrong), "accept")
    assert verdict.outcome == "refused", verdict
