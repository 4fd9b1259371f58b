"""Honest: stores both."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, twin_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    y = x * tl.sigmoid(x.to(tl.float32))
    tl.store(out_ptr + offsets, y, mask=mask)
    tl.store(twin_ptr + offsets, y, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out, twin = torch.empty_like(x), torch.empty_like(x)
    silu_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, twin, x.numel(), BLOCK_SIZE=1024)
    return out, twin
