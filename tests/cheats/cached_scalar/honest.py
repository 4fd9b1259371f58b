"""Honest: what is kept for a shape is the grid; the temperature is loaded by the kernel in every call."""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def tanh_kernel(x_ptr, temperature_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    factor = tl.load(temperature_ptr)
    tl.store(out_ptr + offsets, libdevice.tanh(x * factor), mask=mask)


_grids = {}


def kernel_function(x, temperature):
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = out.numel()
    if x.shape not in _grids:
        _grids[x.shape] = (triton.cdiv(n_elements, 1024),)
    tanh_kernel[_grids[x.shape]](x, temperature, out, n_elements, BLOCK_SIZE=1024)
    return out
