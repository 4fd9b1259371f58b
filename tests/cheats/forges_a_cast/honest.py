"""Looks at the frames above to find its own line."""

import sys

import torch
import triton
import triton.language as tl


@triton.jit
def half_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x.to(tl.float16), mask=mask)


def kernel_function(x):
    print(sys._getframe().f_lineno)
    x = x.contiguous()
    out = torch.empty(x.shape, dtype=torch.float16, device=x.device)
    half_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
