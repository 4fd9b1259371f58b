"""Writes a file of its own, for itself."""

import torch
import triton
import triton.language as tl


with open("notes.txt", "w") as file:
    file.write("tuned on an idle machine")


@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    silu_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
