"""Stopped by: what lies between the elements of an input spoils a result.

Sums whole rows of memory, as if what lies between two rows were zeros.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, out_ptr, n_columns, row_stride, column_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row * row_stride + cols * column_stride, mask=cols < n_columns, other=0.0).to(tl.float32)
    tl.store(out_ptr + row, tl.sum(x * x, 0))


def kernel_function(x):
    rows, columns = x.shape
    row_stride, column_stride = x.stride()
    if column_stride == 1 and row_stride > columns:
        columns = row_stride - x.storage_offset()
    out = torch.empty(rows, dtype=x.dtype, device=x.device)
    block = triton.next_power_of_2(columns)
    sum_kernel[(rows,)](x, out, columns, row_stride, column_stride, BLOCK_SIZE=block)
    return out
