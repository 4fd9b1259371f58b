"""SiLU with a block size that depends on how much there is to do."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    numel = x.numel()
    block = 4096 if numel > 1_000_000 else 1024
    silu_kernel[(triton.cdiv(numel, block),)](x, out, numel, BLOCK_SIZE=block)
    return out
