"""Two passes over a row that is held."""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def row_kernel(x_ptr, y_ptr, columns, weight_ptr, bias_ptr, row_stride, step, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0).to(tl.float32)
    mean = tl.sum(x, axis=0) / columns
    centred = tl.where(at < columns, x - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / columns
    y = centred / tl.sqrt(variance + 1e-5)
    weight = tl.load(weight_ptr + at, mask=at < columns).to(tl.float32)
    bias = tl.load(bias_ptr + at, mask=at < columns).to(tl.float32)
    y = y * weight + bias
    tl.store(y_ptr + row * columns + at, y, mask=at < columns)


def kernel_function(x, norm_weight, norm_bias):
    rows, columns = x.shape
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if rows > 0:
        row_kernel[(rows,)](
            x, y, columns, norm_weight, norm_bias, x.stride(0), x.stride(1), BLOCK=triton.next_power_of_2(columns)
        )
    return y
