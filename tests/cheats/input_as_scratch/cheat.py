"""Stopped by: inputs are hashed before and after.

Saves an allocation: the residual's memory holds the result, and is then copied out.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_residual_kernel(x_ptr, residual_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    residual = tl.load(residual_ptr + offsets, mask=mask, other=0.0)
    tl.store(residual_ptr + offsets, x * tl.sigmoid(x), mask=mask)
    tl.store(out_ptr + offsets, tl.load(residual_ptr + offsets, mask=mask, other=0.0) + residual, mask=mask)


def kernel_function(x, residual):
    x, residual = x.contiguous(), residual.contiguous()
    out = torch.empty_like(x)
    n_elements = x.numel()
    silu_residual_kernel[(triton.cdiv(n_elements, 1024),)](x, residual, out, n_elements, BLOCK_SIZE=1024)
    return out
