"""mul, sum, clamp, div.

Written by the cookbook (row: 32 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def sum_kernel(
    hidden_ptr,
    keep_ptr,
    total_ptr,
    rows,
    columns,
    size_2,
    hidden_stride_0,
    hidden_stride_1,
    hidden_stride_2,
    keep_stride_0,
    keep_stride_1,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    index_0 = row // size_2
    index_2 = row % size_2
    column = tl.arange(0, BLOCK)[None, :].to(tl.int64)
    in_columns = column < columns
    mask = in_rows & in_columns

    hidden_offsets = index_0 * hidden_stride_0 + column * hidden_stride_1 + index_2 * hidden_stride_2
    hidden = tl.load(hidden_ptr + hidden_offsets, mask=mask).to(tl.float32)
    keep = tl.load(keep_ptr + index_0 * keep_stride_0 + column * keep_stride_1, mask=mask)

    cast = keep.to(tl.float32)  # to float32
    mul = hidden * cast
    total = tl.sum(tl.where(mask, mul, 0.0), axis=1, keep_dims=True)

    tl.store(total_ptr + row, total, mask=in_rows)


@triton.jit
def sum_kernel_1(
    keep_ptr, total_ptr, rows, columns, keep_stride_0, keep_stride_1, ROWS: tl.constexpr, BLOCK: tl.constexpr
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    column = tl.arange(0, BLOCK)[None, :]
    in_columns = column < columns
    mask = in_rows & in_columns

    keep = tl.load(keep_ptr + row * keep_stride_0 + column * keep_stride_1, mask=mask)

    cast = keep.to(tl.float32)  # to float32
    total = tl.sum(tl.where(mask, cast, 0.0), axis=1, keep_dims=True)

    tl.store(total_ptr + row, total, mask=in_rows)


@triton.jit
def clamp_div_kernel(total_ptr, total_1_ptr, out_ptr, numel, size_1, total_1_stride_0, BLOCK: tl.constexpr):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1

    total = tl.load(total_ptr + offsets, mask=mask).to(tl.float32)
    total_1 = tl.load(total_1_ptr + index_0 * total_1_stride_0, mask=mask).to(tl.float32)

    clamp = tl.maximum(total_1, 1.0, propagate_nan=tl.PropagateNan.ALL)
    div = tl.div_rn(total, clamp)

    tl.store(out_ptr + offsets, div, mask=mask)


def kernel_function(hidden, keep):
    keep_1 = keep.unsqueeze(2)
    rows = keep.shape[0] * hidden.shape[2]
    columns = keep.shape[1]
    total = torch.empty((keep.shape[0], hidden.shape[2]), dtype=torch.float32, device=hidden.device)
    if rows > 0:
        sum_kernel[(triton.cdiv(rows, 32),)](
            hidden,
            keep_1,
            total,
            rows,
            columns,
            hidden.shape[2],
            hidden.stride(0),
            hidden.stride(1),
            hidden.stride(2),
            keep_1.stride(0),
            keep_1.stride(1),
            ROWS=32,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    rows_1 = keep.shape[0]
    total_1 = torch.empty((keep.shape[0], 1), dtype=torch.float32, device=keep_1.device)
    if rows_1 > 0:
        sum_kernel_1[(triton.cdiv(rows_1, 16),)](
            keep_1,
            total_1,
            rows_1,
            columns,
            keep_1.stride(0),
            keep_1.stride(1),
            ROWS=16,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    out = torch.empty(total.shape, dtype=hidden.dtype, device=total.device)
    total_1_1 = total_1.expand(out.shape)
    out_numel = out.numel()
    if out_numel > 0:
        clamp_div_kernel[(triton.cdiv(out_numel, 1024),)](
            total, total_1_1, out, out_numel, out.shape[1], total_1_1.stride(0), BLOCK=1024, num_warps=4
        )
    return out
