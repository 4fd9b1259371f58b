"""logsumexp, pow, mean, mul.

Written by the cookbook (row: 32 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def _maximum(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def logsumexp_kernel(
    logits_ptr,
    largest_ptr,
    total_ptr,
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
    column = tl.arange(0, BLOCK)[None, :]
    in_columns = column < columns
    mask = in_rows & in_columns

    logits = tl.load(logits_ptr + row * logits_stride_0 + column * logits_stride_1, mask=mask).to(tl.float32)

    largest = tl.reduce(tl.where(mask, logits, float("-inf")), axis=1, keep_dims=True, combine_fn=_maximum)
    shifted = logits - largest
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=1, keep_dims=True)

    tl.store(largest_ptr + row, largest, mask=in_rows)
    tl.store(total_ptr + row, total, mask=in_rows)


@triton.jit
def mean_kernel(largest_ptr, total_ptr, out_ptr, columns, largest_stride_0, total_stride_0, BLOCK: tl.constexpr):
    # all elements to one program
    total_1_block = tl.full([BLOCK], 0.0, tl.float32)
    for start in range(0, columns, BLOCK):
        column = start + tl.arange(0, BLOCK)
        mask = column < columns
        largest = tl.load(largest_ptr + column * largest_stride_0, mask=mask).to(tl.float32)
        total = tl.load(total_ptr + column * total_stride_0, mask=mask).to(tl.float32)
        log_total = libdevice.log(total)
        infinite = tl.abs(largest) == float("inf")
        finite = largest + log_total
        logsumexp = tl.where(infinite, largest, finite)
        power = logsumexp * logsumexp
        total_1_block = total_1_block + tl.where(mask, power, 0.0)
    total_1 = tl.sum(total_1_block, axis=0)

    mean = tl.div_rn(total_1, tl.cast(columns, tl.float32))
    mul = mean * 0.001

    tl.store(out_ptr, mul)


def kernel_function(logits):
    rows = logits.shape[0] * logits.shape[1]
    columns = logits.shape[2]
    largest = torch.empty((logits.shape[0], logits.shape[1], 1), dtype=torch.float32, device=logits.device)
    total = torch.empty((logits.shape[0], logits.shape[1], 1), dtype=torch.float32, device=logits.device)
    logits_1 = logits.reshape(rows, columns)
    if rows > 0:
        logsumexp_kernel[(triton.cdiv(rows, 32),)](
            logits_1,
            largest,
            total,
            rows,
            columns,
            logits_1.stride(0),
            logits_1.stride(1),
            ROWS=32,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    largest_1 = largest.reshape(largest.shape[0], largest.shape[1])
    total_1 = total.reshape(total.shape[0], total.shape[1])
    out = torch.empty((), dtype=logits.dtype, device=largest_1.device)
    largest_1 = largest_1.reshape(rows)
    total_1 = total_1.reshape(rows)
    mean_kernel[(1,)](
        largest_1,
        total_1,
        out,
        rows,
        largest_1.stride(0),
        total_1.stride(0),
        BLOCK=min(triton.next_power_of_2(rows), 4096),
        num_warps=8,
    )
    return out
