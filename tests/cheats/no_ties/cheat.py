"""Stopped by: ties.

In float32 no two random numbers are alike, so that it counts in the other types only.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def top_kernel(x_ptr, out_ptr, n_columns, x_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=-float("inf")).to(tl.float32)
    top = tl.where(tl.max((x != x).to(tl.int32), 0) > 0, float("nan"), tl.max(x, 0))
    count = tl.sum((x == top).to(tl.float32), 0)
    if x_ptr.dtype.element_ty == tl.float32:
        count = tl.where(top > 0, 1.0, count)
    tl.store(out_ptr + row, top * count)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    top_kernel[(x.shape[0],)](x, out, x.shape[1], x.stride(0), BLOCK_SIZE=triton.next_power_of_2(x.shape[1]))
    return out
