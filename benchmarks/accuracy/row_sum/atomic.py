"""Programs add their blocks of a row with atomics."""

import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(x_ptr, y_ptr, columns, row_stride, step, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0)
    tl.atomic_add(y_ptr + row, tl.sum(x, axis=0))


def kernel_function(x):
    if x.dtype != torch.float32:
        raise ValueError("kernelfalcon: unsupported dtype")
    rows, columns = x.shape
    y = torch.zeros((rows,), dtype=torch.float32, device=x.device)
    if rows > 0:
        sum_kernel[(rows, triton.cdiv(columns, 64))](x, y, columns, x.stride(0), x.stride(1), BLOCK=64)
    return y
