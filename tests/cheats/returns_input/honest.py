"""Honest: the same kernel, launched. NaN passes through, as in torch."""

import torch
import triton
import triton.language as tl


@triton.jit
def clamp_kernel(x_ptr, out_ptr, n_elements, limit, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    clamped = tl.where(x > limit, limit, tl.where(x < -limit, -limit, x))
    tl.store(out_ptr + offsets, clamped, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    clamp_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), 448.0, BLOCK_SIZE=1024)
    return out
