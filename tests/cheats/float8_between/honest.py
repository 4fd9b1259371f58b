"""Honest: what one kernel leaves for the next is float32."""

import torch
import triton
import triton.language as tl


@triton.jit
def gate_kernel(x_ptr, gate_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask).to(tl.float32)
    tl.store(gate_ptr + offsets, tl.sigmoid(x), mask=mask)


@triton.jit
def multiply_kernel(x_ptr, gate_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    gate = tl.load(gate_ptr + offsets, mask=mask).to(tl.float32)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=mask) * gate, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    gate, out = torch.empty_like(x, dtype=torch.float32), torch.empty_like(x)
    grid = (triton.cdiv(x.numel(), 1024),)
    gate_kernel[grid](x, gate, x.numel(), BLOCK_SIZE=1024)
    multiply_kernel[grid](x, gate, out, x.numel(), BLOCK_SIZE=1024)
    return out
