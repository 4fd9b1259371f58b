"""mul, add.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def mul_add_kernel(x_ptr, branch_ptr, gamma_ptr, out_ptr, numel, size_1, gamma_stride_1, BLOCK: tl.constexpr):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_1 = offsets % size_1

    x = tl.load(x_ptr + offsets, mask=mask).to(tl.float32)
    branch = tl.load(branch_ptr + offsets, mask=mask).to(tl.float32)
    gamma = tl.load(gamma_ptr + index_1 * gamma_stride_1, mask=mask).to(tl.float32)

    mul = branch * gamma
    add = x + mul

    tl.store(out_ptr + offsets, add, mask=mask)


def kernel_function(x, branch, *, gamma):
    x = x.contiguous()
    branch = branch.contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    gamma = gamma.expand(out.shape).reshape(out.shape[:2].numel(), out.shape[2])
    numel = out.numel()
    if numel > 0:
        mul_add_kernel[(triton.cdiv(numel, 1024),)](
            x, branch, gamma, out, numel, out.shape[2], gamma.stride(1), BLOCK=1024, num_warps=4
        )
    return out
