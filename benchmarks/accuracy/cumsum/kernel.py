"""Blocks of a row, one after the other, with what came before."""

import torch
import triton
import triton.language as tl


@triton.jit
def scan_kernel(x_ptr, y_ptr, columns, row_stride, step, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    before = 0.0
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0).to(tl.float32)
        tl.store(y_ptr + row * columns + at, before + tl.cumsum(x, axis=0), mask=at < columns)
        before += tl.sum(x, axis=0)


def kernel_function(x):
    rows, columns = x.shape
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if rows > 0:
        scan_kernel[(rows,)](x, y, columns, x.stride(0), x.stride(1), BLOCK=128)
    return y
