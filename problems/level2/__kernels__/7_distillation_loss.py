"""div, log_softmax, exp, sub, mul, sum, mean.

Written by the cookbook (row: one row a program, held whole, 8 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def log_softmax_sum_kernel(
    student_ptr,
    teacher_ptr,
    total_2_ptr,
    columns,
    student_stride_0,
    student_stride_1,
    teacher_stride_0,
    teacher_stride_1,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    mask = column < columns

    student = tl.load(student_ptr + row * student_stride_0 + column * student_stride_1, mask=mask).to(tl.float32)
    teacher = tl.load(teacher_ptr + row * teacher_stride_0 + column * teacher_stride_1, mask=mask).to(tl.float32)

    div = tl.div_rn(student, 2.0)
    largest = tl.max(tl.where(mask, div, float("-inf")), axis=0)
    shifted = div - largest
    exp = libdevice.exp(shifted)
    total = tl.sum(tl.where(mask, exp, 0.0), axis=0)
    log_total = libdevice.log(total)
    log_softmax = shifted - log_total
    div_1 = tl.div_rn(teacher, 2.0)
    largest_1 = tl.max(tl.where(mask, div_1, float("-inf")), axis=0)
    shifted_1 = div_1 - largest_1
    exp_1 = libdevice.exp(shifted_1)
    total_1 = tl.sum(tl.where(mask, exp_1, 0.0), axis=0)
    log_total_1 = libdevice.log(total_1)
    log_softmax_1 = shifted_1 - log_total_1
    exp_2 = libdevice.exp(log_softmax_1)
    sub = log_softmax_1 - log_softmax
    mul = exp_2 * sub
    total_2 = tl.sum(tl.where(mask, mul, 0.0), axis=0)

    tl.store(total_2_ptr + row, total_2)


@triton.jit
def mean_kernel(total_ptr, out_ptr, columns, total_stride_0, BLOCK: tl.constexpr):
    # all elements to one program
    total_1_block = tl.full([BLOCK], 0.0, tl.float32)
    for start in range(0, columns, BLOCK):
        column = start + tl.arange(0, BLOCK)
        mask = column < columns
        total = tl.load(total_ptr + column * total_stride_0, mask=mask).to(tl.float32)
        total_1_block = total_1_block + tl.where(mask, total, 0.0)
    total_1 = tl.sum(total_1_block, axis=0)

    mean = tl.div_rn(total_1, tl.cast(columns, tl.float32))
    mul = mean * 4.0

    tl.store(out_ptr, mul)


def kernel_function(student, teacher):
    rows = teacher.shape[0]
    columns = teacher.shape[1]
    total = torch.empty((teacher.shape[0],), dtype=torch.float32, device=student.device)
    if rows > 0:
        log_softmax_sum_kernel[(rows,)](
            student,
            teacher,
            total,
            columns,
            student.stride(0),
            student.stride(1),
            teacher.stride(0),
            teacher.stride(1),
            BLOCK=triton.next_power_of_2(columns),
            num_warps=8,
        )
    out = torch.empty((), dtype=student.dtype, device=total.device)
    mean_kernel[(1,)](total, out, rows, total.stride(0), BLOCK=min(triton.next_power_of_2(rows), 4096), num_warps=8)
    return out
