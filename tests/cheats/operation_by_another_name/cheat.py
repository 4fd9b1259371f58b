"""Stopped by: operations are seen below every name that they have.

Finds its operation by a name put together at run time, and calls it through a dunder.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def nothing_kernel(out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 0.0, mask=offsets < numel)


def kernel_function(x):
    nothing_kernel[(1,)](torch.empty(16, device=x.device, dtype=x.dtype), 16, BLOCK_SIZE=16)
    gate = getattr(torch, "".join(("sig", "moid")))(x)
    return x.__mul__(gate)
