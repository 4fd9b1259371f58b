"""Round half to even."""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def point_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n).to(tl.float32)
    q = libdevice.rint(tl.div_rn(x, 0.03))
    y = tl.minimum(tl.maximum(q, -128.0), 127.0).to(tl.int8)
    tl.store(y_ptr + at, y, mask=at < n)


def kernel_function(x):
    x = x.contiguous()
    y = torch.empty(x.shape, dtype=torch.int8, device=x.device)
    if x.numel() > 0:
        point_kernel[(triton.cdiv(x.numel(), 256),)](x, y, x.numel(), BLOCK=256)
    return y
