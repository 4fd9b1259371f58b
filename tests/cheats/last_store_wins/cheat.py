"""Stopped by: the programs are run in other orders.

Every program puts its row there, by atomics; the last one is right as long as they come in their order.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def last_kernel(x_ptr, out_ptr, n_columns, x_stride, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK_SIZE)
    mask = cols < n_columns
    x = tl.load(x_ptr + row * x_stride + cols, mask=mask, other=0.0).to(tl.float32)
    tl.atomic_xchg(out_ptr + cols, (2 * x).to(out_ptr.dtype.element_ty), mask=mask)


def kernel_function(x):
    x = x.contiguous()
    out = torch.zeros(x.shape[1], dtype=x.dtype, device=x.device)
    last_kernel[(x.shape[0],)](x, out, x.shape[1], x.stride(0), BLOCK_SIZE=triton.next_power_of_2(x.shape[1]))
    return out
