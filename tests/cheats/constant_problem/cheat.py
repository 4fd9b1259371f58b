"""Stopped by: a problem whose answer is a constant keeps no kernel.

The answer is one, whatever the inputs are.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def one_kernel(out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 1.0, mask=offsets < numel)


def kernel_function(x):
    out = torch.empty((x.shape[0], 1), dtype=x.dtype, device=x.device)
    one_kernel[(triton.cdiv(x.shape[0], 64),)](out, x.shape[0], BLOCK_SIZE=64)
    return out
