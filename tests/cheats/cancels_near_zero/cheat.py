"""Stopped by: values of small magnitude.

exp(x) - 1 as it is written cancels near zero, which ordinary numbers do not show.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def expm1_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask).to(tl.float32)
    tl.store(out_ptr + offsets, tl.exp(x) - 1.0, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    expm1_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
