"""Honest: what is kept for a shape is the launch configuration, not the result."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


_configurations = {}


def kernel_function(x):
    x = x.contiguous()
    n_elements = x.numel()
    if n_elements not in _configurations:
        block_size = min(1024, triton.next_power_of_2(n_elements))
        _configurations[n_elements] = (triton.cdiv(n_elements, block_size), block_size)
    programs, block_size = _configurations[n_elements]
    out = torch.empty_like(x)
    silu_kernel[(programs,)](x, out, n_elements, BLOCK_SIZE=block_size)
    return out
