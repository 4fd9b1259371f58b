"""Stopped by: rows of -inf.

The running maximum begins at -1e38, as if nothing were less.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def max_kernel(x_ptr, out_ptr, n_columns, x_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=-1e38).to(tl.float32)
    x = tl.maximum(x, -1e38, propagate_nan=tl.PropagateNan.ALL)
    nan = tl.max((x != x).to(tl.int32), 0)
    tl.store(out_ptr + row, tl.where(nan > 0, float("nan"), tl.max(x, 0)))


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    max_kernel[(x.shape[0],)](x, out, x.shape[1], x.stride(0), BLOCK_SIZE=triton.next_power_of_2(x.shape[1]))
    return out
