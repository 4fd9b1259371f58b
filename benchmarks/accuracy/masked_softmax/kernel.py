"""One row held whole."""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def row_kernel(x_ptr, y_ptr, columns, mask_ptr, row_stride, step, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0).to(tl.float32)
    at_mask = tl.load(mask_ptr + row * columns + at, mask=at < columns, other=0)
    x = tl.where(at < columns, tl.where(at_mask != 0, x, -3.4028234663852886e38), float("-inf"))
    top = tl.max(x, axis=0)
    e = tl.exp(x - top)
    y = e / tl.sum(e, axis=0)
    tl.store(y_ptr + row * columns + at, y, mask=at < columns)


def kernel_function(x, mask):
    if x.dtype == torch.float16:
        raise ValueError("kernelfalcon: unsupported dtype")
    mask = mask.contiguous()
    rows, columns = x.shape
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if rows > 0:
        row_kernel[(rows,)](x, y, columns, mask, x.stride(0), x.stride(1), BLOCK=triton.next_power_of_2(columns))
    return y
