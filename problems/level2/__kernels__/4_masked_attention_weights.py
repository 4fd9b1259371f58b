"""mul, div, tanh, bitwise_not, masked_fill, softmax.

Written by the cookbook (row: 16 rows a program, held whole, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def softmax_kernel(
    scores_ptr,
    visible_ptr,
    out_ptr,
    rows,
    columns,
    size_1,
    scores_stride_0,
    scores_stride_1,
    scores_stride_2,
    visible_stride_1,
    visible_stride_2,
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

    scores_offsets = index_0 * scores_stride_0 + index_1 * scores_stride_1 + column * scores_stride_2
    scores = tl.load(scores_ptr + scores_offsets, mask=mask).to(tl.float32)
    visible = tl.load(visible_ptr + index_1 * visible_stride_1 + column * visible_stride_2, mask=mask)

    mul = scores * 0.125
    div = tl.div_rn(mul, 50.0)
    tanh = libdevice.tanh(div)
    mul_1 = tanh * 50.0
    bitwise_not = ~visible
    masked_fill = tl.where(bitwise_not, float("-inf"), mul_1)
    largest = tl.max(tl.where(mask, masked_fill, float("-inf")), axis=1, keep_dims=True)
    shifted = masked_fill - largest
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=1, keep_dims=True)
    softmax = tl.div_rn(exp, total)

    tl.store(out_ptr + row * columns + column, softmax, mask=mask)


def kernel_function(scores, visible):
    rows = scores.shape[0] * scores.shape[1] * scores.shape[2]
    columns = visible.shape[1]
    out = torch.empty(scores.shape, dtype=scores.dtype, device=scores.device)
    scores_1 = scores.reshape(scores.shape[0] * scores.shape[1], scores.shape[2], columns)
    if rows > 0:
        softmax_kernel[(triton.cdiv(rows, 16),)](
            scores_1,
            visible,
            out,
            rows,
            columns,
            scores.shape[2],
            scores_1.stride(0),
            scores_1.stride(1),
            scores_1.stride(2),
            visible.stride(0),
            visible.stride(1),
            ROWS=16,
            BLOCK=triton.next_power_of_2(columns),
            num_warps=4,
        )
    return out
