"""mm, mul, add.

Written by the cookbook (matmul: tile 16×32×64, 4 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl


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
def matmul_mul_add_kernel(
    a_ptr,
    b_ptr,
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

    product_1 = tl.load(product_1_ptr + offsets, mask=mask).to(tl.float32)

    mul = product * 2.0
    add = product_1 + mul

    tl.store(out_ptr + offsets, add, mask=mask)


def kernel_function(x, *, weight, down, up):
    weight_1 = weight.transpose(0, 1)
    M, K = x.shape
    N = weight_1.shape[-1]
    tiles = triton.cdiv(M, 16) * triton.cdiv(N, 32)
    product = torch.empty((M, N), dtype=x.dtype, device=x.device)
    if tiles > 0:
        matmul_kernel[(tiles,)](
            x,
            weight_1,
            product,
            M,
            N,
            K,
            *x.stride(),
            *weight_1.stride(),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    down_1 = down.transpose(0, 1)
    M, K = x.shape
    N = down_1.shape[-1]
    tiles = triton.cdiv(M, 16) * triton.cdiv(N, 32)
    product_1 = torch.empty((M, N), dtype=x.dtype, device=x.device)
    if tiles > 0:
        matmul_kernel[(tiles,)](
            x,
            down_1,
            product_1,
            M,
            N,
            K,
            *x.stride(),
            *down_1.stride(),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    up = up.transpose(0, 1)
    M, K = product_1.shape
    N = up.shape[-1]
    tiles = triton.cdiv(M, 16) * triton.cdiv(N, 32)
    out = torch.empty((M, N), dtype=product_1.dtype, device=product_1.device)
    if tiles > 0:
        matmul_mul_add_kernel[(tiles,)](
            product_1,
            up,
            product,
            out,
            M,
            N,
            K,
            *product_1.stride(),
            *up.stride(),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    return out
