"""Honest: tuned for the declared size, and general."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x), mask=mask)


BATCH_SIZE, FEATURES = 48, 128


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    n_elements = out.numel()
    block_size = 512 if tuple(x.shape) == (BATCH_SIZE, FEATURES) else 1024
    silu_kernel[(triton.cdiv(n_elements, block_size),)](x, out, n_elements, BLOCK_SIZE=block_size)
    return out
