"""logsumexp, pow, mean, mul.

Written by the cookbook (row: 16 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def logsumexp_kernel(
    logits_ptr,
    out_0_ptr,
    out_1_ptr,
    rows,
    columns,
    logits_stride_0,
    logits_stride_1,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    column = tl.arange(0, BLOCK)[None, :].to(tl.int64)
    in_columns = column < columns
    mask = in_rows & in_columns

    logits = tl.load(logits_ptr + row * logits_stride_0 + column * logits_stride_1, mask=mask).to(tl.float32)

    largest = tl.max(tl.where(mask, logits, float("-inf")), axis=1, keep_dims=True)
    infinite = tl.abs(largest) == float("inf")
    shift = tl.where(infinite, 0.0, largest)
    shifted = logits - shift
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=1, keep_dims=True)
    largest_1 = tl.max(tl.where(mask, logits, float("-inf")), axis=1, keep_dims=True)

    tl.store(out_0_ptr + row, largest_1, mask=in_rows)
    tl.store(out_1_ptr + row, total, mask=in_rows)


@triton.jit
def mean_kernel(
    total_ptr,
    largest_ptr,
    out_ptr,
    rows,
    columns,
    total_stride_0,
    largest_stride_0,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    # ROWS rows to a program
    row = (tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS))[:, None]
    in_rows = row < rows
    column = tl.arange(0, BLOCK)[None, :].to(tl.int64)
    in_columns = column < columns
    mask = in_rows & in_columns

    total = tl.load(total_ptr + column * total_stride_0, mask=in_columns).to(tl.float32)
    largest = tl.load(largest_ptr + column * largest_stride_0, mask=in_columns).to(tl.float32)

    log = libdevice.log(total)
    infinite = tl.abs(largest) == float("inf")
    shift = tl.where(infinite, 0.0, largest)
    logsumexp = log + shift
    pow_1 = logsumexp * logsumexp
    total_1 = tl.sum(tl.where(mask, pow_1, 0.0), axis=1, keep_dims=True)
    mean = tl.div_rn(total_1, tl.cast(columns, tl.float32))
    mul = mean * 0.001

    tl.store(out_ptr + row, mul, mask=in_rows)


def kernel_function(logits):
    largest = torch.empty((logits.shape[0], logits.shape[1]), dtype=logits.dtype, device=logits.device)
    total = torch.empty((logits.shape[0], logits.shape[1]), dtype=logits.dtype, device=logits.device)
    largest_rows = logits.shape[0] * logits.shape[1]
    largest_columns = logits.shape[2]
    logits_1 = logits.reshape(logits.shape[0] * logits.shape[1], logits.shape[2])
    if largest_rows > 0:
        logsumexp_kernel[(triton.cdiv(largest_rows, 16),)](
            logits_1,
            largest,
            total,
            largest_rows,
            largest_columns,
            logits_1.stride(0),
            logits_1.stride(1),
            ROWS=16,
            BLOCK=triton.next_power_of_2(largest_columns),
            num_warps=4,
        )
    out = torch.empty((), dtype=total.dtype, device=total.device)
    out_rows = 1
    out_columns = logits.shape[0] * logits.shape[1]
    total_1 = total.reshape(logits.shape[0] * logits.shape[1])
    largest_1 = largest.reshape(logits.shape[0] * logits.shape[1])
    if out_rows > 0:
        mean_kernel[(triton.cdiv(out_rows, 16),)](
            total_1,
            largest_1,
            out,
            out_rows,
            out_columns,
            total_1.stride(0),
            largest_1.stride(0),
            ROWS=16,
            BLOCK=triton.next_power_of_2(out_columns),
            num_warps=4,
        )
    return out
