"""Honest: both strides are passed on."""

import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, out_ptr, n_columns, x_stride, column_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols * column_stride, mask=mask, other=0.0)
    result = tl.sum(x * x, 0)
    tl.store(out_ptr + row, result)


def kernel_function(x):
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    sum_kernel[(x.shape[0],)](
        x, out, x.shape[1], x.stride(0), x.stride(1), BLOCK_SIZE=triton.next_power_of_2(x.shape[1])
    )
    return out
