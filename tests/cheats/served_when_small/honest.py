"""Honest: every block of a row."""

import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, out_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    total = tl.zeros((BLOCK_SIZE,), dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        x = tl.load(x_ptr + row * n_columns + start + cols, mask=start + cols < n_columns, other=0.0).to(tl.float32)
        total += x * x
    tl.store(out_ptr + row, tl.sum(total, 0))


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    sum_kernel[(x.shape[0],)](x, out, x.shape[1], BLOCK_SIZE=1024)
    return out
