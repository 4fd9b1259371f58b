"""Honest: it counts how often it sees which address, and computes each time.
"""

import torch
import triton
import triton.language as tl

_seen = {}


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = x.numel()
    _seen[x.data_ptr()] = _seen.get(x.data_ptr(), 0) + 1
    silu_kernel[(triton.cdiv(n_elements, 1024),)](x, out, n_elements, BLOCK_SIZE=1024)
    return out
