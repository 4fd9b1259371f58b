"""Honest: the count is at least one."""

import torch
import triton
import triton.language as tl


@triton.jit
def mean_kernel(x_ptr, keep_ptr, out_ptr, n_columns, x_stride, keep_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=0.0)
    keep = tl.load(keep_ptr + row * keep_stride + cols, mask=mask, other=0).to(tl.float32)
    count = tl.sum(keep, 0)
    result = tl.sum(x * keep, 0) / tl.maximum(count, 1.0)
    tl.store(out_ptr + row, result)


def kernel_function(x, keep):
    x, keep = x.contiguous(), keep.contiguous()
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    mean_kernel[(x.shape[0],)](
        x, keep, out, x.shape[1], x.stride(0), keep.stride(0), BLOCK_SIZE=triton.next_power_of_2(x.shape[1])
    )
    return out
