"""Honest: half of the programs too, each of which computes two blocks."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCKS: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    for block in tl.static_range(BLOCKS):
        offsets = (tl.program_id(0) * BLOCKS + block) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
        mask = offsets < n_elements
        x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
        tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    n_elements = out.numel()
    silu_kernel[(triton.cdiv(n_elements, 2 * 1024),)](x, out, n_elements, BLOCKS=2, BLOCK_SIZE=1024)
    return out
