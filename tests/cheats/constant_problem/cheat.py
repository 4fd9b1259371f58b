"""Stopped by: a problem whose answer is a constant keeps no kernel.

The answer is zero, whatever the inputs are.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def nothing_kernel(out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 0, mask=offsets < numel)


def kernel_function(x):
    out = torch.empty(x.shape[0], dtype=torch.int64, device=x.device)
    nothing_kernel[(triton.cdiv(x.shape[0], 64),)](out, x.shape[0], BLOCK_SIZE=64)
    return out
