"""Honest: a grid function that only divides."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_residual_kernel(x_ptr, residual_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    residual = tl.load(residual_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x) + residual, mask=mask)


def kernel_function(x, residual):
    x, residual = x.contiguous(), residual.contiguous()
    out = torch.empty_like(x)
    n_elements = out.numel()

    def grid(meta):
        return (triton.cdiv(n_elements, meta["BLOCK_SIZE"]),)

    silu_residual_kernel[grid](x, residual, out, n_elements, BLOCK_SIZE=1024)
    return out
