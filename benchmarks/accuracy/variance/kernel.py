"""Two passes over a row that is held."""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def row_kernel(x_ptr, y_ptr, columns, row_stride, step, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / columns
    centred = tl.where(at < columns, x - mean, 0.0)
    y = tl.sum(centred * centred, axis=0) / columns
    tl.store(y_ptr + row, y)


def kernel_function(x):
    rows, columns = x.shape
    y = torch.empty(x.shape[:-1], dtype=x.dtype, device=x.device)
    if rows > 0:
        row_kernel[(rows,)](x, y, columns, x.stride(0), x.stride(1), BLOCK=triton.next_power_of_2(columns))
    return y
