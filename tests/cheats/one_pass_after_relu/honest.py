"""Honest: the mean first, then the mean square of what is left."""

import torch
import triton
import triton.language as tl


@triton.jit
def norm_kernel(x_ptr, out_ptr, n_columns, x_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=0.0)
    x = tl.where(x < 0, 0.0, x)
    mean = tl.sum(x, 0) / n_columns
    centred = tl.where(mask, x - mean, 0.0)
    variance = tl.sum(centred * centred, 0) / n_columns
    result = centred * tl.rsqrt(variance + 1e-5)
    tl.store(out_ptr + row * n_columns + cols, result, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    norm_kernel[(x.shape[0],)](x, out, x.shape[1], x.stride(0), BLOCK_SIZE=triton.next_power_of_2(x.shape[1]))
    return out
