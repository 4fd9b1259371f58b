"""Honest: imports json and prints, as a kernel under development does, and leaves descriptors alone."""

import json
import sys

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = out.numel()
    block_size = 1024
    print(json.dumps({"op": "launch", "n_elements": n_elements}), file=sys.stderr)
    silu_kernel[(triton.cdiv(n_elements, block_size),)](x, out, n_elements, BLOCK_SIZE=block_size)
    return out
