"""mm, silu, mul.

Written by the cookbook (matmul: tile 128×128×32, 8 warps, ieee, exact).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def _silu(x):
    return tl.div_rn(x, 1.0 + libdevice.exp(-x))


@triton.jit
def matmul_kernel(
    x_ptr,
    gate_weight_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds
    program = tl.program_id(0)
    tiles_m = tl.cdiv(M, BLOCK_M)
    tiles_n = tl.cdiv(N, BLOCK_N)
    first_m = program // (GROUP_M * tiles_n) * GROUP_M
    height = tl.minimum(tiles_m - first_m, GROUP_M)
    tile_m = first_m + program % (GROUP_M * tiles_n) % height
    tile_n = program % (GROUP_M * tiles_n) // height
    rows = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]

    depth = tl.arange(0, BLOCK_K).to(tl.int64)
    a_ptrs = x_ptr + rows * stride_am + depth[None, :] * stride_ak
    b_ptrs = gate_weight_ptr + depth[:, None] * stride_bk + columns * stride_bn
    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K - start), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K - start) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="ieee", out_dtype=tl.float32)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk

    offsets = rows * N + columns
    mask = (rows < M) & (columns < N)

    tl.store(out_ptr + offsets, product, mask=mask)


@triton.jit
def silu_mm_mul_kernel(
    x_ptr,
    up_weight_ptr,
    product_1_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds
    program = tl.program_id(0)
    tiles_m = tl.cdiv(M, BLOCK_M)
    tiles_n = tl.cdiv(N, BLOCK_N)
    first_m = program // (GROUP_M * tiles_n) * GROUP_M
    height = tl.minimum(tiles_m - first_m, GROUP_M)
    tile_m = first_m + program % (GROUP_M * tiles_n) % height
    tile_n = program % (GROUP_M * tiles_n) // height
    rows = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]

    depth = tl.arange(0, BLOCK_K).to(tl.int64)
    a_ptrs = x_ptr + rows * stride_am + depth[None, :] * stride_ak
    b_ptrs = up_weight_ptr + depth[:, None] * stride_bk + columns * stride_bn
    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K - start), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K - start) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="ieee", out_dtype=tl.float32)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk

    offsets = rows * N + columns
    mask = (rows < M) & (columns < N)

    product_1 = tl.load(product_1_ptr + offsets, mask=mask).to(tl.float32)

    silu = _silu(product_1)
    mul = silu * product

    tl.store(out_ptr + offsets, mul, mask=mask)


def kernel_function(x, *, gate_weight, up_weight):
    gate_weight = gate_weight.transpose(0, 1)
    product = torch.empty((x.shape[0], up_weight.shape[0]), dtype=x.dtype, device=x.device)
    if product.numel() > 0:
        matmul_kernel[(triton.cdiv(x.shape[0], 128) * triton.cdiv(gate_weight.shape[1], 128),)](
            x,
            gate_weight,
            product,
            x.shape[0],
            gate_weight.shape[1],
            x.shape[1],
            x.stride(0),
            x.stride(1),
            gate_weight.stride(0),
            gate_weight.stride(1),
            BLOCK_M=128,
            BLOCK_N=128,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=8,
            num_stages=3,
        )
    up_weight_1 = up_weight.transpose(0, 1)
    out = torch.empty((x.shape[0], up_weight.shape[0]), dtype=x.dtype, device=x.device)
    if out.numel() > 0:
        silu_mm_mul_kernel[(triton.cdiv(x.shape[0], 128) * triton.cdiv(up_weight_1.shape[1], 128),)](
            x,
            up_weight_1,
            product,
            out,
            x.shape[0],
            up_weight_1.shape[1],
            x.shape[1],
            x.stride(0),
            x.stride(1),
            up_weight_1.stride(0),
            up_weight_1.stride(1),
            BLOCK_M=128,
            BLOCK_N=128,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=8,
            num_stages=3,
        )
    return out
