"""Stopped by: an output is an input only where `forward` returns that input.

Returns the input where `forward` returns a copy.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x.to(tl.float32)), mask=mask)


def kernel_function(x):
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    silu_kernel[(triton.cdiv(x.numel(), 1024),)](x.contiguous(), out, x.numel(), BLOCK_SIZE=1024)
    return out, x
