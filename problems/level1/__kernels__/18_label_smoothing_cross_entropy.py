"""log_softmax, nll_loss, sum, neg, eq, masked_fill, bitwise_not, div, mul, add.

Written by the cookbook (row: one row a program, held whole, 8 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def log_softmax_nll_loss_sum_kernel(
    logits_ptr,
    labels_ptr,
    picked_ptr,
    total_1_ptr,
    columns,
    logits_stride_0,
    logits_stride_1,
    labels_stride_0,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
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
    total_1 = tl.sum(tl.where(mask, log_softmax, 0.0), axis=0)

    tl.store(picked_ptr + row, picked)
    tl.store(total_1_ptr + row, total_1)


@triton.jit
def nll_loss_sum_kernel(
    labels_ptr,
    picked_ptr,
    total_1_ptr,
    out_ptr,
    scalar,
    columns,
    labels_stride_0,
    picked_stride_0,
    total_1_stride_0,
    BLOCK: tl.constexpr,
):
    # all elements to one program
    total_block = tl.full([BLOCK], 0.0, tl.float32)
    weights_block = tl.full([BLOCK], 0.0, tl.float32)
    total_2_block = tl.full([BLOCK], 0, tl.int64)
    total_3_block = tl.full([BLOCK], 0.0, tl.float32)
    for start in range(0, columns, BLOCK):
        column = start + tl.arange(0, BLOCK)
        mask = column < columns
        labels = tl.load(labels_ptr + column * labels_stride_0, mask=mask)
        picked = tl.load(picked_ptr + column * picked_stride_0, mask=mask).to(tl.float32)
        total_1 = tl.load(total_1_ptr + column * total_1_stride_0, mask=mask).to(tl.float32)
        counted = labels != -100
        loss = -picked
        row_loss = tl.where(counted, loss, 0.0)
        share = tl.where(counted, 1.0, 0.0)
        neg = -total_1
        eq = labels == -100
        masked_fill = tl.where(eq, 0.0, neg)
        bitwise_not = ~eq
        total_block = total_block + tl.where(mask, row_loss, 0.0)
        weights_block = weights_block + tl.where(mask, share, 0.0)
        total_2_block = total_2_block + tl.where(mask, bitwise_not.to(tl.int64), 0)
        total_3_block = total_3_block + tl.where(mask, masked_fill, 0.0)
    total = tl.sum(total_block, axis=0)
    weights = tl.sum(weights_block, axis=0)
    total_2 = tl.sum(total_2_block, axis=0)
    total_3 = tl.sum(total_3_block, axis=0)

    mean = tl.div_rn(total, weights)
    div = tl.div_rn(total_3, total_2.to(tl.float32))
    mul = div * scalar
    mul_1 = mean * 0.9
    add = mul_1 + mul

    tl.store(out_ptr, add)


def kernel_function(logits, labels):
    labels_1 = labels.reshape(-1, 1)
    rows = labels.shape[0]
    columns = logits.shape[1]
    picked = torch.empty((labels.shape[0],), dtype=torch.float32, device=logits.device)
    total = torch.empty((labels.shape[0],), dtype=torch.float32, device=logits.device)
    if rows > 0:
        log_softmax_nll_loss_sum_kernel[(rows,)](
            logits,
            labels_1,
            picked,
            total,
            columns,
            logits.stride(0),
            logits.stride(1),
            labels_1.stride(0),
            BLOCK=triton.next_power_of_2(columns),
            num_warps=8,
        )
    out = torch.empty((), dtype=logits.dtype, device=labels.device)
    nll_loss_sum_kernel[(1,)](
        labels,
        picked,
        total,
        out,
        0.1 / float(logits.shape[1]),
        rows,
        labels.stride(0),
        picked.stride(0),
        total.stride(0),
        BLOCK=min(triton.next_power_of_2(rows), 4096),
        num_warps=8,
    )
    return out
