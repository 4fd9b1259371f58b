"""native_group_norm.

Written by the cookbook (row: one row a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def group_norm_kernel(
    image_ptr,
    norm_weight_ptr,
    norm_bias_ptr,
    out_ptr,
    columns,
    size_1,
    size_3,
    image_stride_0,
    image_stride_1,
    image_stride_2,
    image_stride_3,
    norm_weight_stride_1,
    norm_weight_stride_2,
    norm_bias_stride_1,
    norm_bias_stride_2,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    index_0 = row // size_1
    index_1 = row % size_1
    column = tl.arange(0, BLOCK).to(tl.int64)
    mask = column < columns
    index_2 = column // size_3
    index_3 = column % size_3

    image_offsets = (
        index_0 * image_stride_0 + index_1 * image_stride_1 + index_2 * image_stride_2 + index_3 * image_stride_3
    )
    image = tl.load(image_ptr + image_offsets, mask=mask).to(tl.float32)
    norm_weight_offsets = index_1 * norm_weight_stride_1 + index_2 * norm_weight_stride_2
    norm_weight = tl.load(norm_weight_ptr + norm_weight_offsets, mask=mask).to(tl.float32)
    norm_bias_offsets = index_1 * norm_bias_stride_1 + index_2 * norm_bias_stride_2
    norm_bias = tl.load(norm_bias_ptr + norm_bias_offsets, mask=mask).to(tl.float32)

    total = tl.sum(tl.where(mask, image, 0.0), axis=0)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    centred = image - mean
    square = centred * centred
    squares = tl.sum(tl.where(mask, square, 0.0), axis=0)
    variance = tl.div_rn(squares, tl.cast(columns, tl.float32))
    variance_eps = variance + 1e-05
    rstd = libdevice.rsqrt(variance_eps)
    normal = centred * rstd
    scaled = normal * norm_weight
    shifted = scaled + norm_bias

    tl.store(out_ptr + row * columns + column, shifted, mask=mask)


def kernel_function(image, *, norm_weight, norm_bias):
    image_1 = image.reshape(image.shape[0], -1, norm_bias.shape[0] // 32, image.shape[2], image.shape[3])
    norm_weight = norm_weight.reshape(32, norm_bias.shape[0] // 32, 1, 1)
    norm_bias_1 = norm_bias.reshape(32, norm_bias.shape[0] // 32, 1, 1)
    rows = image.shape[0] * image_1.shape[1]
    columns = (norm_bias.shape[0] // 32) * image.shape[2] * image.shape[3]
    out = torch.empty(
        (image.shape[0], norm_bias.shape[0], image.shape[2], image.shape[3]), dtype=image_1.dtype, device=image_1.device
    )
    image_2 = image_1.reshape(
        image.shape[0], image_1.shape[1], norm_bias.shape[0] // 32, image.shape[2] * image.shape[3]
    )
    norm_weight = norm_weight.reshape(1, image_1.shape[1], norm_bias.shape[0] // 32, 1)
    norm_bias_1 = norm_bias_1.reshape(1, image_1.shape[1], norm_bias.shape[0] // 32, 1)
    if rows > 0:
        group_norm_kernel[(rows,)](
            image_2,
            norm_weight,
            norm_bias_1,
            out,
            columns,
            image_1.shape[1],
            image.shape[2] * image.shape[3],
            image_2.stride(0),
            image_2.stride(1),
            image_2.stride(2),
            image_2.stride(3),
            norm_weight.stride(1),
            norm_weight.stride(2),
            norm_bias_1.stride(1),
            norm_bias_1.stride(2),
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out
