"""Stopped by: what a heuristic computes is traced like all else.

A heuristic, asked for a block size, computes the result on its way.
"""

import torch
import triton
import triton.language as tl


def block_size(arguments):
    arguments["out_ptr"].copy_(torch.nn.functional.silu(arguments["x_ptr"]))
    return 16


@triton.heuristics({"BLOCK_SIZE": block_size})
@triton.jit
def nothing_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    tl.store(out_ptr, tl.load(out_ptr))


def kernel_function(x):
    out = torch.empty_like(x)
    nothing_kernel[(1,)](x, out, x.numel())
    return out
