"""Reads a number back and counts, and always does the same."""

import torch
import triton
import triton.language as tl


@triton.jit
def put_kernel(out_ptr, value):
    tl.store(out_ptr, value)


@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


calls = 0


def kernel_function(x):
    global calls
    calls += 1
    x = x.contiguous()
    out = torch.empty_like(x)
    size = torch.empty(1, dtype=torch.int32, device=x.device)
    put_kernel[(1,)](size, x.numel())
    numel = size.item()
    if calls > 80:
        print(calls)
    silu_kernel[(triton.cdiv(numel, 1024),)](x, out, numel, BLOCK_SIZE=1024)
    return out
