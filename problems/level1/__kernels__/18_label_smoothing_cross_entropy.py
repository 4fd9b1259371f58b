"""log_softmax, nll_loss, sum, neg, eq, masked_fill, bitwise_not, div, mul, add.

Written by the cookbook (row: one row a program, held whole, 8 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def log_softmax_nll_loss_forward_sum_kernel(
    logits_ptr,
    labels_ptr,
    out_0_ptr,
    out_1_ptr,
    columns,
    logits_stride_0,
    logits_stride_1,
    labels_stride_0,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK).to(tl.int64)
    mask = column < columns

    logits = tl.load(logits_ptr + row * logits_stride_0 + column * logits_stride_1, mask=mask).to(tl.float32)
    labels = tl.load(labels_ptr + row * labels_stride_0)

    largest = tl.max(tl.where(mask, logits, float("-inf")), axis=0)
    shifted = logits - largest
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=0)
    log_total = libdevice.log(total)
    log_softmax = shifted - log_total
    hit = column == labels
    chosen = tl.where(hit, log_softmax, 0.0)
    picked = tl.sum(tl.where(mask, chosen, 0.0), axis=0)
    sum_1 = tl.sum(tl.where(mask, log_softmax, 0.0), axis=0)

    tl.store(out_0_ptr + row, sum_1)
    tl.store(out_1_ptr + row, picked)


@triton.jit
def nll_loss_forward_kernel(
    labels_ptr, picked_ptr, out_0_ptr, out_1_ptr, columns, labels_stride_0, picked_stride_0, BLOCK: tl.constexpr
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK).to(tl.int64)
    mask = column < columns

    labels = tl.load(labels_ptr + column * labels_stride_0, mask=mask)
    picked = tl.load(picked_ptr + column * picked_stride_0, mask=mask).to(tl.float32)

    counted = labels != -100
    loss = -picked
    row_loss = tl.where(counted, loss, 0.0)
    total = tl.sum(tl.where(mask, row_loss, 0.0), axis=0)
    share = tl.where(counted, 1.0, 0.0)
    weights = tl.sum(tl.where(mask, share, 0.0), axis=0)

    tl.store(out_0_ptr + row, weights)
    tl.store(out_1_ptr + row, total)


@triton.jit
def sum_kernel(
    labels_ptr,
    total_ptr,
    weights_ptr,
    sum_1_ptr,
    out_ptr,
    scalar,
    columns,
    labels_stride_0,
    sum_1_stride_0,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK).to(tl.int64)
    mask = column < columns

    labels = tl.load(labels_ptr + column * labels_stride_0, mask=mask)
    total = tl.load(total_ptr).to(tl.float32)
    weights = tl.load(weights_ptr).to(tl.float32)
    sum_1 = tl.load(sum_1_ptr + column * sum_1_stride_0, mask=mask).to(tl.float32)

    mean = tl.div_rn(total, weights)
    neg = -sum_1
    eq = labels == -100
    masked_fill = tl.where(eq, 0.0, neg)
    bitwise_not = ~eq
    sum_2 = tl.sum(tl.where(mask, bitwise_not.to(tl.int64), 0), axis=0)
    sum_3 = tl.sum(tl.where(mask, masked_fill, 0.0), axis=0)
    div = tl.div_rn(sum_3, sum_2.to(tl.float32))
    mul = div * scalar
    mul_1 = mean * 0.9
    add = mul_1 + mul

    tl.store(out_ptr + row, add)


def kernel_function(logits, labels):
    labels_1 = labels.reshape(-1, 1)
    sum = torch.empty((labels.shape[0],), dtype=logits.dtype, device=logits.device)
    picked = torch.empty((labels.shape[0], 1), dtype=logits.dtype, device=logits.device)
    sum_rows = labels.shape[0]
    sum_columns = logits.shape[1]
    if sum_rows > 0:
        log_softmax_nll_loss_forward_sum_kernel[(sum_rows,)](
            logits,
            labels_1,
            sum,
            picked,
            sum_columns,
            logits.stride(0),
            logits.stride(1),
            labels_1.stride(0),
            BLOCK=triton.next_power_of_2(sum_columns),
            num_warps=8,
        )
    labels_2 = labels.reshape(-1, 1)
    weights = torch.empty((), dtype=picked.dtype, device=labels_2.device)
    total = torch.empty((), dtype=picked.dtype, device=labels_2.device)
    weights_rows = 1
    weights_columns = labels.shape[0]
    if weights_rows > 0:
        nll_loss_forward_kernel[(weights_rows,)](
            labels_2,
            picked,
            weights,
            total,
            weights_columns,
            labels_2.stride(0),
            picked.stride(0),
            BLOCK=triton.next_power_of_2(weights_columns),
            num_warps=8,
        )
    out = torch.empty((), dtype=total.dtype, device=labels.device)
    out_rows = 1
    out_columns = labels.shape[0]
    if out_rows > 0:
        sum_kernel[(out_rows,)](
            labels,
            total,
            weights,
            sum,
            out,
            0.1 / float(logits.shape[1]),
            out_columns,
            labels.stride(0),
            sum.stride(0),
            BLOCK=triton.next_power_of_2(out_columns),
            num_warps=8,
        )
    return out
