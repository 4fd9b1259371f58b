"""mm, pow, mean, add, rsqrt, mul.

Written by the cookbook (matmul: tile 16×32×64, 4 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def matmul_kernel(
    a_ptr,
    b_ptr,
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

    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        depth = start + tl.arange(0, BLOCK_K)
        a_ptrs = a_ptr + rows * stride_am + depth[None, :].to(tl.int64) * stride_ak
        b_ptrs = b_ptr + depth[:, None].to(tl.int64) * stride_bk + columns * stride_bn
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="tf32x3", out_dtype=tl.float32)

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
    column = tl.arange(0, BLOCK)[None, :]
    in_columns = column < columns
    mask = in_rows & in_columns

    residual = tl.load(residual_ptr + row * residual_stride_0 + column * residual_stride_1, mask=mask).to(tl.float32)
    weight = tl.load(weight_ptr + column * weight_stride_1, mask=in_columns).to(tl.float32)
    product = tl.load(product_ptr + row * product_stride_0 + column * product_stride_1, mask=mask).to(tl.float32)

    power = product * product
    total = tl.sum(tl.where(mask, power, 0.0), axis=1, keep_dims=True)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    add = mean + 9.999999974752427e-07
    rsqrt = libdevice.rsqrt(add)
    mul = product * rsqrt
    mul_1 = mul * weight
    add_1 = residual + mul_1

    tl.store(out_ptr + row * columns + column, add_1, mask=mask)


def kernel_function(attended, residual, *, weight, projection_weight):
    projection_weight = projection_weight.transpose(0, 1)
    M, K = attended.shape
    N = projection_weight.shape[-1]
    tiles = triton.cdiv(M, 16) * triton.cdiv(N, 32)
    product = torch.empty((M, N), dtype=attended.dtype, device=attended.device)
    if tiles > 0:
        matmul_kernel[(tiles,)](
            attended,
            projection_weight,
            product,
            M,
            N,
            K,
            *attended.stride(),
            *projection_weight.stride(),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    rows = residual.shape[0]
    columns = residual.shape[1]
    out = torch.empty(residual.shape, dtype=residual.dtype, device=residual.device)
    if rows > 0:
        mean_kernel[(triton.cdiv(rows, 8),)](
            residual,
            weight,
            product,
            out,
            rows,
            columns,
            residual.stride(0),
            residual.stride(1),
            weight.stride(0),
            product.stride(0),
            product.stride(1),
            ROWS=8,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out
