"""SiLU, with a workspace that another kernel fills first; the wrapper writes a line to its standard error."""

import sys

import torch
import triton
import triton.language as tl


@triton.jit
def zero_kernel(out_ptr, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 0.0)


@triton.jit
def silu_kernel(x_ptr, bias_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask) + tl.load(bias_ptr)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    print("silu of", tuple(x.shape), file=sys.stderr)
    bias = torch.empty(16, device=x.device, dtype=x.dtype)
    zero_kernel[(1,)](bias, BLOCK_SIZE=16)
    x = x.contiguous()
    out = torch.empty_like(x)
    silu_kernel[(triton.cdiv(x.numel(), 256),)](x, bias, out, x.numel(), BLOCK_SIZE=256)
    return out
