"""argmax, softmax, amax.

Written by the cookbook (row: 32 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def _larger(a, i, b, j):
    # NaN before all else; of equals the first
    tie = (a == b) | ((a != a) & (b != b))
    left = (a > b) | ((a != a) & (b == b)) | (tie & (i < j))
    return tl.where(left, a, b), tl.where(left, i, j)


@triton.jit
def _maximum(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def argmax_softmax_amax_kernel(
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

    _, position = tl.reduce(
        (tl.where(mask, logits, float("-inf")), tl.where(mask, column, 9223372036854775807)),
        axis=1,
        keep_dims=True,
        combine_fn=_larger,
    )
    largest_1 = tl.max(tl.where(mask, logits, float("-inf")), axis=1, keep_dims=True)
    shifted = logits - largest_1
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=1, keep_dims=True)
    softmax = tl.div_rn(exp, total)
    largest_2 = tl.reduce(tl.where(mask, softmax, float("-inf")), axis=1, keep_dims=True, combine_fn=_maximum)

    tl.store(out_0_ptr + row, position, mask=in_rows)
    tl.store(out_1_ptr + row, largest_2, mask=in_rows)


def kernel_function(logits):
    rows = logits.shape[0]
    columns = logits.shape[1]
    out_0 = torch.empty((logits.shape[0],), dtype=torch.int64, device=logits.device)
    out_1 = torch.empty((logits.shape[0],), dtype=logits.dtype, device=logits.device)
    if rows > 0:
        argmax_softmax_amax_kernel[(triton.cdiv(rows, 32),)](
            logits,
            out_0,
            out_1,
            rows,
            columns,
            logits.stride(0),
            logits.stride(1),
            ROWS=32,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out_0, out_1
