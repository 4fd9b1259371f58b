"""tril, bmm, add.

Written by the cookbook (matmul: tile 16×32×64, 4 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def matmul_add_kernel(
    a_ptr,
    b_ptr,
    bias_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_ab,
    stride_am,
    stride_ak,
    stride_bb,
    stride_bk,
    stride_bn,
    bias_stride_1,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP_M: tl.constexpr,
):
    # one tile of the product; GROUP_M rows of tiles go together, and share what the L2 cache holds
    program = tl.program_id(0)
    tiles_m = tl.cdiv(M, BLOCK_M)
    tiles_n = tl.cdiv(N, BLOCK_N)
    batch = (program // (tiles_m * tiles_n)).to(tl.int64)
    program = program % (tiles_m * tiles_n)
    first_m = program // (GROUP_M * tiles_n) * GROUP_M
    height = tl.minimum(tiles_m - first_m, GROUP_M)
    tile_m = first_m + program % (GROUP_M * tiles_n) % height
    tile_n = program % (GROUP_M * tiles_n) // height
    rows = tile_m.to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = tile_n.to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]

    # where a triangle is all zeros it adds nothing
    last = tl.minimum((tile_m + 1) * BLOCK_M, K)
    product = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, last, BLOCK_K):
        depth = start + tl.arange(0, BLOCK_K)
        a_ptrs = a_ptr + batch * stride_ab + rows * stride_am + depth[None, :].to(tl.int64) * stride_ak
        b_ptrs = b_ptr + batch * stride_bb + depth[:, None].to(tl.int64) * stride_bk + columns * stride_bn
        a = tl.load(a_ptrs, mask=(rows < M) & (depth[None, :] < K) & (depth[None, :] <= rows), other=0.0)
        b = tl.load(b_ptrs, mask=(depth[:, None] < K) & (columns < N), other=0.0)
        product = tl.dot(a, b, product, input_precision="tf32x3", out_dtype=tl.float32)

    offsets = (batch * M + rows) * N + columns
    mask = (rows < M) & (columns < N)

    bias = tl.load(bias_ptr + rows * bias_stride_1, mask=mask).to(tl.float32)

    add = product + bias

    tl.store(out_ptr + offsets, add, mask=mask)


def kernel_function(x, *, weight, bias):
    weight_1 = weight.unsqueeze(0).expand(x.shape[0], -1, -1)
    _, M, K = weight_1.shape
    N = x.shape[-1]
    tiles = weight_1.shape[0] * triton.cdiv(M, 16) * triton.cdiv(N, 32)
    out = torch.empty((weight_1.shape[0], M, N), dtype=weight_1.dtype, device=weight_1.device)
    bias_1 = bias.expand(out.shape)
    if tiles > 0:
        matmul_add_kernel[(tiles,)](
            weight_1,
            x,
            bias_1,
            out,
            M,
            N,
            K,
            *weight_1.stride(),
            *x.stride(),
            bias_1.stride(1),
            BLOCK_M=16,
            BLOCK_N=32,
            BLOCK_K=64,
            GROUP_M=8,
            num_warps=4,
            num_stages=3,
        )
    return out
