"""Stopped by: the error is held against eager's own error, both measured from float64.

Computes a float32 problem in float16, which a tolerance of 1e-2 would pass.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0).to(tl.float16)
    gate = 1.0 / (1.0 + tl.exp(-x.to(tl.float32)))
    tl.store(out_ptr + offsets, x * gate.to(tl.float16), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = out.numel()
    silu_kernel[(triton.cdiv(n_elements, 1024),)](x, out, n_elements, BLOCK_SIZE=1024)
    return out
