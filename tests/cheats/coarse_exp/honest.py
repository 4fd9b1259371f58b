"""exp is a power of two."""

import torch
import triton
import triton.language as tl


@triton.jit
def gate_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    gate = 1.0 / (1.0 + tl.exp2(-x.to(tl.float32) * 1.4426950408889634))
    tl.store(out_ptr + offsets, gate, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    gate_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
