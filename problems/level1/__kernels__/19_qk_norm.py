"""pow, mean, add, rsqrt, mul.

Written by the cookbook (row: 32 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def mean_kernel(
    x_ptr,
    weight_ptr,
    out_ptr,
    rows,
    columns,
    size_1,
    size_2,
    x_stride_0,
    x_stride_1,
    x_stride_2,
    x_stride_3,
    weight_stride_3,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    index_0 = row // size_2 // size_1
    index_1 = row // size_2 % size_1
    index_2 = row % size_2
    column = tl.arange(0, BLOCK)[None, :]
    in_columns = column < columns
    mask = in_rows & in_columns

    x_offsets = index_0 * x_stride_0 + index_1 * x_stride_1 + index_2 * x_stride_2 + column * x_stride_3
    x = tl.load(x_ptr + x_offsets, mask=mask).to(tl.float32)
    weight = tl.load(weight_ptr + column * weight_stride_3, mask=in_columns).to(tl.float32)

    power = x * x
    total = tl.sum(tl.where(mask, power, 0.0), axis=1, keep_dims=True)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    add = mean + 9.999999974752427e-07
    rsqrt = libdevice.rsqrt(add)
    mul = x * rsqrt
    mul_1 = mul * weight
    cast = mul_1.to(x_ptr.dtype.element_ty).to(tl.float32)  # to bfloat16

    tl.store(out_ptr + row * columns + column, cast, mask=mask)


def kernel_function(query, key, *, query_weight, key_weight):
    rows = query.shape[0] * query.shape[1] * query.shape[2]
    columns = query.shape[3]
    out_0 = torch.empty(query.shape, dtype=query.dtype, device=query.device)
    if rows > 0:
        mean_kernel[(triton.cdiv(rows, 32),)](
            query,
            query_weight,
            out_0,
            rows,
            columns,
            query.shape[1],
            query.shape[2],
            query.stride(0),
            query.stride(1),
            query.stride(2),
            query.stride(3),
            query_weight.stride(0),
            ROWS=32,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    rows_1 = key.shape[0] * key.shape[1] * query.shape[2]
    out_1 = torch.empty(key.shape, dtype=key.dtype, device=key.device)
    if rows_1 > 0:
        mean_kernel[(triton.cdiv(rows_1, 32),)](
            key,
            key_weight,
            out_1,
            rows_1,
            columns,
            key.shape[1],
            query.shape[2],
            key.stride(0),
            key.stride(1),
            key.stride(2),
            key.stride(3),
            key_weight.stride(0),
            ROWS=32,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out_0, out_1
