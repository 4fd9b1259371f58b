"""Stopped by: what exceeds a type's range is infinite.

Saturates where float16 ends: finite, and wrong without a bound.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def square_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    square = x.to(tl.float32) * x.to(tl.float32)
    if x_ptr.dtype.element_ty == tl.float16:
        square = tl.minimum(square, 65504.0, propagate_nan=tl.PropagateNan.ALL)
    tl.store(out_ptr + offsets, square, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    square_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
