"""mul, sub, add.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def mul_sub_add_kernel(
    first_ptr,
    second_ptr,
    cos_ptr,
    sin_ptr,
    out_0_ptr,
    out_1_ptr,
    numel,
    size_1,
    size_2,
    size_3,
    first_stride_0,
    first_stride_1,
    first_stride_2,
    first_stride_3,
    second_stride_0,
    second_stride_1,
    second_stride_2,
    second_stride_3,
    cos_stride_2,
    cos_stride_3,
    sin_stride_2,
    sin_stride_3,
    BLOCK: tl.constexpr,
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_3 // size_2 // size_1
    index_1 = offsets // size_3 // size_2 % size_1
    index_2 = offsets // size_3 % size_2
    index_3 = offsets % size_3

    first_offsets = (
        index_0 * first_stride_0 + index_1 * first_stride_1 + index_2 * first_stride_2 + index_3 * first_stride_3
    )
    first = tl.load(first_ptr + first_offsets, mask=mask).to(tl.float32)
    second_offsets = (
        index_0 * second_stride_0 + index_1 * second_stride_1 + index_2 * second_stride_2 + index_3 * second_stride_3
    )
    second = tl.load(second_ptr + second_offsets, mask=mask).to(tl.float32)
    cos = tl.load(cos_ptr + index_2 * cos_stride_2 + index_3 * cos_stride_3, mask=mask).to(tl.float32)
    sin = tl.load(sin_ptr + index_2 * sin_stride_2 + index_3 * sin_stride_3, mask=mask).to(tl.float32)

    mul = first * cos
    mul_1 = second * sin
    sub = mul - mul_1
    mul_2 = second * cos
    mul_3 = first * sin
    add = mul_2 + mul_3

    tl.store(out_0_ptr + offsets, sub, mask=mask)
    tl.store(out_1_ptr + offsets, add, mask=mask)


def kernel_function(first, second, cos, sin):
    out_0 = torch.empty(first.shape, dtype=first.dtype, device=first.device)
    out_1 = torch.empty(out_0.shape, dtype=first.dtype, device=first.device)
    cos = cos.expand(out_0.shape)
    sin = sin.expand(out_0.shape)
    numel = out_0.numel()
    if numel > 0:
        mul_sub_add_kernel[(triton.cdiv(numel, 1024),)](
            first,
            second,
            cos,
            sin,
            out_0,
            out_1,
            numel,
            out_0.shape[1],
            out_0.shape[2],
            out_0.shape[3],
            first.stride(0),
            first.stride(1),
            first.stride(2),
            first.stride(3),
            second.stride(0),
            second.stride(1),
            second.stride(2),
            second.stride(3),
            cos.stride(2),
            cos.stride(3),
            sin.stride(2),
            sin.stride(3),
            BLOCK=1024,
            num_warps=4,
        )
    return out_0, out_1
