"""A checksum is read, and decides on the block size alone."""

import torch
import triton
import triton.language as tl


@triton.jit
def checksum_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + offsets, mask=offsets < numel, other=0.0).to(tl.float32)
    tl.store(out_ptr, tl.sum(x, 0))


@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    mark = torch.empty(1, dtype=torch.float32, device=x.device)
    checksum_kernel[(1,)](x, mark, x.numel(), BLOCK_SIZE=1024)
    block = 512 if mark.item() > 0 else 1024
    out = torch.empty_like(x)
    silu_kernel[(triton.cdiv(x.numel(), block),)](x, out, x.numel(), BLOCK_SIZE=block)
    return out
