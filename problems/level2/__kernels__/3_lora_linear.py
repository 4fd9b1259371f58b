"""mm, mul, add.

Written by the cookbook (matmul: tile 64×64×32, 4 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def matmul_kernel(
    x_ptr,
    weight_ptr,
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
    b_ptrs = weight_ptr + depth[:, None] * stride_bk + columns * stride_bn
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
def matmul_kernel_1(
    x_ptr,
    down_ptr,
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
    b_ptrs = down_ptr + depth[:, None] * stride_bk + columns * stride_bn
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
def matmul_mul_add_kernel(
    product_ptr,
    up_ptr,
    product_2_ptr,
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
    a_ptrs = product_ptr + rows * stride_am + depth[None, :] * stride_ak
    b_ptrs = up_ptr + depth[:, None] * stride_bk + columns * stride_bn
    product_1 = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K - start), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K - start) & (columns < N), other=0.0)
        product_1 = tl.dot(a, b, product_1, input_precision="tf32x3", out_dtype=tl.float32)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk

    offsets = rows * N + columns
    mask = (rows < M) & (columns < N)

    product_2 = tl.load(product_2_ptr + offsets, mask=mask).to(tl.float32)

    mul = product_1 * 2.0
    add = product_2 + mul

    tl.store(out_ptr + offsets, add, mask=mask)


def kernel_function(x, *, weight, down, up):
    weight_1 = weight.transpose(0, 1)
    product = torch.empty((x.shape[0], weight.shape[0]), dtype=x.dtype, device=x.device)
    if product.numel() > 0:
        matmul_kernel[(triton.cdiv(x.shape[0], 64) * triton.cdiv(weight_1.shape[1], 64),)](
            x,
            weight_1,
            product,
            x.shape[0],
            weight_1.shape[1],
            x.shape[1],
            x.stride(0),
            x.stride(1),
            weight_1.stride(0),
            weight_1.stride(1),
            BLOCK_M=64,
            BLOCK_N=64,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    down_1 = down.transpose(0, 1)
    product_1 = torch.empty((x.shape[0], down.shape[0]), dtype=x.dtype, device=x.device)
    if product_1.numel() > 0:
        matmul_kernel_1[(triton.cdiv(x.shape[0], 64) * triton.cdiv(down_1.shape[1], 64),)](
            x,
            down_1,
            product_1,
            x.shape[0],
            down_1.shape[1],
            x.shape[1],
            x.stride(0),
            x.stride(1),
            down_1.stride(0),
            down_1.stride(1),
            BLOCK_M=64,
            BLOCK_N=64,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    up = up.transpose(0, 1)
    out = torch.empty((x.shape[0], weight.shape[0]), dtype=product_1.dtype, device=product_1.device)
    if out.numel() > 0:
        matmul_mul_add_kernel[(triton.cdiv(product_1.shape[0], 64) * triton.cdiv(up.shape[1], 64),)](
            product_1,
            up,
            product,
            out,
            product_1.shape[0],
            up.shape[1],
            product_1.shape[1],
            product_1.stride(0),
            product_1.stride(1),
            up.stride(0),
            up.stride(1),
            BLOCK_M=64,
            BLOCK_N=64,
            BLOCK_K=32,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    return out
