"""mm, pow, row.sum, div, add, rsqrt, mul.

Written by the cookbook (matmul: tile 128×128×32, 8 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def matmul_kernel(
    attended_ptr,
    projection_weight_ptr,
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
    a_ptrs = attended_ptr + rows * stride_am + depth[None, :] * stride_ak
    b_ptrs = projection_weight_ptr + depth[:, None] * stride_bk + columns * stride_bn
    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K - start), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K - start) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="tf32x3", out_dtype=tl.float32)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk

    offsets = rows * N + columns
    mask = (rows < M) & (columns < N)

    tl.store(out_ptr + offsets, product, mask=mask)


@triton.jit
def mean_kernel(
    residual_ptr,
    weight_ptr,
    product_ptr,
    out_ptr,
    rows,
    columns,
    residual_stride_0,
    residual_stride_1,
    weight_stride_1,
    product_stride_0,
    product_stride_1,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    column = tl.arange(0, BLOCK)[None, :].to(tl.int64)
    in_columns = column < columns
    mask = in_rows & in_columns

    residual = tl.load(residual_ptr + row * residual_stride_0 + column * residual_stride_1, mask=mask).to(tl.float32)
    weight = tl.load(weight_ptr + column * weight_stride_1, mask=in_columns).to(tl.float32)
    product = tl.load(product_ptr + row * product_stride_0 + column * product_stride_1, mask=mask).to(tl.float32)

    pow_1 = product * product
    total = tl.sum(tl.where(mask, pow_1, 0.0), axis=1, keep_dims=True)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    add = mean + 9.999999974752427e-07
    rsqrt = libdevice.rsqrt(add)
    mul = product * rsqrt
    mul_1 = mul * weight
    add_1 = residual + mul_1

    tl.store(out_ptr + row * columns + column, add_1, mask=mask)


def kernel_function(attended, residual, *, weight, projection_weight):
    projection_weight = projection_weight.transpose(0, 1)
    product = torch.empty((residual.shape[0], residual.shape[1]), dtype=attended.dtype, device=attended.device)
    if product.numel() > 0:
        matmul_kernel[(triton.cdiv(attended.shape[0], 128) * triton.cdiv(projection_weight.shape[1], 128),)](
            attended,
            projection_weight,
            product,
            attended.shape[0],
            projection_weight.shape[1],
            attended.shape[1],
            attended.stride(0),
            attended.stride(1),
            projection_weight.stride(0),
            projection_weight.stride(1),
            BLOCK_M=128,
            BLOCK_N=128,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=8,
            num_stages=3,
        )
    out = torch.empty(residual.shape, dtype=residual.dtype, device=residual.device)
    out_rows = residual.shape[0]
    out_columns = residual.shape[1]
    if out_rows > 0:
        mean_kernel[(triton.cdiv(out_rows, 16),)](
            residual,
            weight,
            product,
            out,
            out_rows,
            out_columns,
            residual.stride(0),
            residual.stride(1),
            weight.stride(0),
            product.stride(0),
            product.stride(1),
            ROWS=16,
            BLOCK=triton.next_power_of_2(out_columns),
            num_warps=4,
        )
    return out
