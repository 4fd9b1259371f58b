"""Both outputs are stored by the kernel."""

import torch
import triton
import triton.language as tl


@triton.jit
def silu_kernel(x_ptr, out_ptr, turned_ptr, rows, columns, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < numel
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(out_ptr + offsets, x * tl.sigmoid(x.to(tl.float32)), mask=mask)
    tl.store(turned_ptr + offsets % columns * rows + offsets // columns, x, mask=mask)


def kernel_function(x):
    x = x.contiguous()
    rows, columns = x.shape
    out = torch.empty_like(x)
    turned = torch.empty((columns, rows), dtype=x.dtype, device=x.device)
    silu_kernel[(triton.cdiv(x.numel(), 1024),)](x, out, turned, rows, columns, x.numel(), BLOCK_SIZE=1024)
    return out, turned
