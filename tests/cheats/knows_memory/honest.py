"""Honest: it asks where its tensor lies, for the alignment that a wider load would need.
"""

import torch
import triton
import triton.language as tl


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
    block = 1024 if x.data_ptr() % 16 == 0 else 512
    silu_kernel[(triton.cdiv(n_elements, block),)](x, out, n_elements, BLOCK_SIZE=block)
    return out
