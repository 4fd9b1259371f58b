"""mm, add, gelu.

Written by the cookbook (matmul: tile 32×32×64, 4 warps, tf32x3, exact).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def _gelu(x):
    return 0.5 * x * (1.0 + tl.erf(x * 0.7071067811865476))


@triton.jit
def matmul_add_gelu_kernel(
    a_ptr,
    b_ptr,
    projection_bias_ptr,
    out_ptr,
    M,
    N,
    K,
    stride_am,
    stride_ak,
    stride_bk,
    stride_bn,
    projection_bias_stride_1,
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

    projection_bias = tl.load(projection_bias_ptr + columns * projection_bias_stride_1, mask=mask).to(tl.float32)

    add = product + projection_bias
    gelu = _gelu(add)

    tl.store(out_ptr + offsets, gelu, mask=mask)


def kernel_function(x, *, projection_weight, projection_bias):
    x_1 = x.reshape(x.shape[1] * x.shape[0], projection_weight.shape[1])
    projection_weight_1 = projection_weight.transpose(0, 1)
    M, K = x_1.shape
    N = projection_weight_1.shape[-1]
    tiles = triton.cdiv(M, 32) * triton.cdiv(N, 32)
    out = torch.empty((x.shape[0], x.shape[1], projection_bias.shape[0]), dtype=x_1.dtype, device=x_1.device)
    if tiles > 0:
        matmul_add_gelu_kernel[(tiles,)](
            x_1,
            projection_weight_1,
            projection_bias,
            out,
            M,
            N,
            K,
            *x_1.stride(),
            *projection_weight_1.stride(),
            projection_bias.stride(-1),
            BLOCK_M=32,
            BLOCK_N=32,
            BLOCK_K=128 // x_1.element_size(),
            GROUP_M=8,
            num_warps=4,
            num_stages=4,
        )
    return out
