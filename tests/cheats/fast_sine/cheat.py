"""Stopped by: values of large magnitude, on the device itself.

The hardware's approximation, which is good near zero only; an interpreter computes it exactly.
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def sine_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask).to(tl.float32)
    tl.store(out_ptr + offsets, libdevice.fast_sinf(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    sine_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
