"""div, softmax.

Written by the cookbook (row: one row a program, in blocks of 4096, 8 warps, long rows shared, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def softmax_kernel(
    logits_ptr,
    temperature_ptr,
    out_ptr,
    columns,
    parts,
    logits_stride_0,
    logits_stride_1,
    temperature_stride_0,
    BLOCK: tl.constexpr,
):
    # one row to `parts` programs
    row = tl.program_id(0).to(tl.int64)

    temperature = tl.load(temperature_ptr + row * temperature_stride_0).to(tl.float32)

    largest_part_block = tl.full([BLOCK], float("-inf"), tl.float32)
    for start in range(tl.program_id(1) * BLOCK, columns, parts * BLOCK):
        column = (start + tl.arange(0, BLOCK)).to(tl.int64)
        mask = column < columns
        logits = tl.load(logits_ptr + row * logits_stride_0 + column * logits_stride_1, mask=mask).to(tl.float32)
        div = tl.div_rn(logits, temperature)
        largest_part_block = tl.maximum(largest_part_block, tl.where(mask, div, float("-inf")))
    largest_part = tl.max(largest_part_block, axis=0)

    tl.store(out_ptr + row * parts + tl.program_id(1), largest_part)


@triton.jit
def softmax_kernel_1(
    largest_part_ptr, out_ptr, columns, largest_part_stride_0, largest_part_stride_1, BLOCK: tl.constexpr
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)

    largest_block = tl.full([BLOCK], float("-inf"), tl.float32)
    for start in range(0, columns, BLOCK):
        column = (start + tl.arange(0, BLOCK)).to(tl.int64)
        mask = column < columns
        largest_part_offsets = row * largest_part_stride_0 + column * largest_part_stride_1
        largest_part = tl.load(largest_part_ptr + largest_part_offsets, mask=mask).to(tl.float32)
        largest_block = tl.maximum(largest_block, tl.where(mask, largest_part, float("-inf")))
    largest = tl.max(largest_block, axis=0)

    tl.store(out_ptr + row, largest)


@triton.jit
def softmax_kernel_2(
    logits_ptr,
    temperature_ptr,
    largest_ptr,
    out_ptr,
    columns,
    parts,
    logits_stride_0,
    logits_stride_1,
    temperature_stride_0,
    largest_stride_0,
    BLOCK: tl.constexpr,
):
    # one row to `parts` programs
    row = tl.program_id(0).to(tl.int64)

    temperature = tl.load(temperature_ptr + row * temperature_stride_0).to(tl.float32)
    largest = tl.load(largest_ptr + row * largest_stride_0).to(tl.float32)

    total_part_block = tl.full([BLOCK], 0.0, tl.float32)
    for start in range(tl.program_id(1) * BLOCK, columns, parts * BLOCK):
        column = (start + tl.arange(0, BLOCK)).to(tl.int64)
        mask = column < columns
        logits = tl.load(logits_ptr + row * logits_stride_0 + column * logits_stride_1, mask=mask).to(tl.float32)
        div = tl.div_rn(logits, temperature)
        shifted = div - largest
        exp = libdevice.exp(shifted)
        total_part_block = total_part_block + tl.where(mask, exp, 0.0)
    total_part = tl.sum(total_part_block, axis=0)

    tl.store(out_ptr + row * parts + tl.program_id(1), total_part)


@triton.jit
def softmax_kernel_3(total_part_ptr, out_ptr, columns, total_part_stride_0, total_part_stride_1, BLOCK: tl.constexpr):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)

    total_block = tl.full([BLOCK], 0.0, tl.float32)
    for start in range(0, columns, BLOCK):
        column = (start + tl.arange(0, BLOCK)).to(tl.int64)
        mask = column < columns
        total_part_offsets = row * total_part_stride_0 + column * total_part_stride_1
        total_part = tl.load(total_part_ptr + total_part_offsets, mask=mask).to(tl.float32)
        total_block = total_block + tl.where(mask, total_part, 0.0)
    total = tl.sum(total_block, axis=0)

    tl.store(out_ptr + row, total)


@triton.jit
def div_sub_exp_kernel(
    logits_ptr,
    temperature_ptr,
    largest_ptr,
    total_ptr,
    out_ptr,
    numel,
    size_1,
    temperature_stride_0,
    largest_stride_0,
    total_stride_0,
    BLOCK: tl.constexpr,
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1

    logits = tl.load(logits_ptr + offsets, mask=mask).to(tl.float32)
    temperature = tl.load(temperature_ptr + index_0 * temperature_stride_0, mask=mask).to(tl.float32)
    largest = tl.load(largest_ptr + index_0 * largest_stride_0, mask=mask).to(tl.float32)
    total = tl.load(total_ptr + index_0 * total_stride_0, mask=mask).to(tl.float32)

    div = tl.div_rn(logits, temperature)
    shifted = div - largest
    exp = libdevice.exp(shifted)
    softmax = tl.div_rn(exp, total)

    tl.store(out_ptr + offsets, softmax, mask=mask)


def kernel_function(logits, temperature):
    largest_part = torch.empty(
        (temperature.shape[0], 1, min(32, (logits.shape[1] - 1) // 4096 + 1)), dtype=logits.dtype, device=logits.device
    )
    largest_part_rows = temperature.shape[0]
    largest_part_columns = logits.shape[1]
    if largest_part_rows > 0:
        softmax_kernel[(largest_part_rows, largest_part.shape[-1])](
            logits,
            temperature,
            largest_part,
            largest_part_columns,
            largest_part.shape[-1],
            logits.stride(0),
            logits.stride(1),
            temperature.stride(0),
            BLOCK=min(triton.next_power_of_2(largest_part_columns), 4096),
            num_warps=8,
        )
    largest = torch.empty((temperature.shape[0], 1), dtype=largest_part.dtype, device=largest_part.device)
    largest_rows = temperature.shape[0]
    largest_columns = (min(32, (logits.shape[1] - 1) // 4096 + 1))
    largest_part_1 = largest_part.reshape(temperature.shape[0], (min(32, (logits.shape[1] - 1) // 4096 + 1)))
    if largest_rows > 0:
        softmax_kernel_1[(largest_rows,)](
            largest_part_1,
            largest,
            largest_columns,
            largest_part_1.stride(0),
            largest_part_1.stride(1),
            BLOCK=min(triton.next_power_of_2(largest_columns), 4096),
            num_warps=8,
        )
    total_part = torch.empty(
        (temperature.shape[0], 1, min(32, (logits.shape[1] - 1) // 4096 + 1)), dtype=logits.dtype, device=logits.device
    )
    total_part_rows = temperature.shape[0]
    total_part_columns = logits.shape[1]
    if total_part_rows > 0:
        softmax_kernel_2[(total_part_rows, total_part.shape[-1])](
            logits,
            temperature,
            largest,
            total_part,
            total_part_columns,
            total_part.shape[-1],
            logits.stride(0),
            logits.stride(1),
            temperature.stride(0),
            largest.stride(0),
            BLOCK=min(triton.next_power_of_2(total_part_columns), 4096),
            num_warps=8,
        )
    total = torch.empty((temperature.shape[0], 1), dtype=total_part.dtype, device=total_part.device)
    total_rows = temperature.shape[0]
    total_columns = (min(32, (logits.shape[1] - 1) // 4096 + 1))
    total_part_1 = total_part.reshape(temperature.shape[0], (min(32, (logits.shape[1] - 1) // 4096 + 1)))
    if total_rows > 0:
        softmax_kernel_3[(total_rows,)](
            total_part_1,
            total,
            total_columns,
            total_part_1.stride(0),
            total_part_1.stride(1),
            BLOCK=min(triton.next_power_of_2(total_columns), 4096),
            num_warps=8,
        )
    logits = logits.contiguous()
    out = torch.empty(logits.shape, dtype=logits.dtype, device=logits.device)
    temperature_1 = temperature.expand(out.shape)
    largest_1 = largest.expand(out.shape)
    total_1 = total.expand(out.shape)
    out_numel = out.numel()
    if out_numel > 0:
        div_sub_exp_kernel[(triton.cdiv(out_numel, 1024),)](
            logits,
            temperature_1,
            largest_1,
            total_1,
            out,
            out_numel,
            out.shape[1],
            temperature_1.stride(0),
            largest_1.stride(0),
            total_1.stride(0),
            BLOCK=1024,
            num_warps=4,
        )
    return out
