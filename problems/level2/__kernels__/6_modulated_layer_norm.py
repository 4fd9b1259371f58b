"""native_layer_norm, add, mul.

Written by the cookbook (row: 4 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def layer_norm_kernel(
    x_ptr,
    shift_ptr,
    scale_ptr,
    out_ptr,
    rows,
    columns,
    size_1,
    x_stride_0,
    x_stride_1,
    x_stride_2,
    shift_stride_0,
    shift_stride_2,
    scale_stride_0,
    scale_stride_2,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    index_0 = row // size_1
    index_1 = row % size_1
    column = tl.arange(0, BLOCK)[None, :]
    in_columns = column < columns
    mask = in_rows & in_columns

    x = tl.load(x_ptr + index_0 * x_stride_0 + index_1 * x_stride_1 + column * x_stride_2, mask=mask).to(tl.float32)
    shift = tl.load(shift_ptr + index_0 * shift_stride_0 + column * shift_stride_2, mask=mask).to(tl.float32)
    scale = tl.load(scale_ptr + index_0 * scale_stride_0 + column * scale_stride_2, mask=mask).to(tl.float32)

    total = tl.sum(tl.where(mask, x, 0.0), axis=1, keep_dims=True)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    centred = x - mean
    square = centred * centred
    squares = tl.sum(tl.where(mask, square, 0.0), axis=1, keep_dims=True)
    variance = tl.div_rn(squares, tl.cast(columns, tl.float32))
    variance_eps = variance + 1e-06
    rstd = libdevice.rsqrt(variance_eps)
    normal = centred * rstd
    add = scale + 1.0
    mul = normal * add
    add_1 = mul + shift

    tl.store(out_ptr + row * columns + column, add_1, mask=mask)


def kernel_function(x, shift, scale):
    shift_1 = shift.unsqueeze(1)
    scale_1 = scale.unsqueeze(1)
    rows = scale.shape[0] * x.shape[1]
    columns = shift.shape[1]
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    if rows > 0:
        layer_norm_kernel[(triton.cdiv(rows, 4),)](
            x,
            shift_1,
            scale_1,
            out,
            rows,
            columns,
            x.shape[1],
            x.stride(0),
            x.stride(1),
            x.stride(2),
            shift_1.stride(0),
            shift_1.stride(2),
            scale_1.stride(0),
            scale_1.stride(2),
            ROWS=4,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out
