"""Reads a number back; both configurations are right."""

import torch
import triton
import triton.language as tl


@triton.jit
def put_kernel(out_ptr, value):
    tl.store(out_ptr, value)


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_SIZE": 256, "GATED": True}, num_warps=4),
        triton.Config({"BLOCK_SIZE": 1024, "GATED": True}, num_warps=8),
    ],
    key=["numel"],
)
@triton.jit
def silu_kernel(x_ptr, out_ptr, numel, BLOCK_SIZE: tl.constexpr, GATED: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x) if GATED else x, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.empty_like(x)
    size = torch.empty(1, dtype=torch.int32, device=x.device)
    put_kernel[(1,)](size, x.numel())
    silu_kernel[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK_SIZE"]),)](x, out, size.item())
    return out
