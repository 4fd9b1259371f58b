"""lerp.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def lerp_kernel(average_ptr, weight_ptr, out_ptr, numel, BLOCK: tl.constexpr):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    average = tl.load(average_ptr + offsets, mask=mask).to(tl.float32)
    weight = tl.load(weight_ptr + offsets, mask=mask).to(tl.float32)

    lerp = average + 0.0010000000000000009 * (weight - average)

    tl.store(out_ptr + offsets, lerp, mask=mask)


def kernel_function(average, weight):
    average_dense = average.contiguous()
    weight = weight.contiguous()
    out = torch.empty(average_dense.shape, dtype=average_dense.dtype, device=average_dense.device)
    numel = out.numel()
    if numel > 0:
        lerp_kernel[(triton.cdiv(numel, 1024),)](average_dense, weight, out, numel, BLOCK=1024, num_warps=4)
    average.copy_(out)
    return average
