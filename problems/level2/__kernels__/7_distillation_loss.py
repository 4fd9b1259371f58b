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
    out_ptr,
    columns,
    student_stride_0,
    student_stride_1,
    teacher_stride_0,
    teacher_stride_1,
    BLOCK: tl.constexpr,
):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK).to(tl.int64)
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
    sum_1 = tl.sum(tl.where(mask, mul, 0.0), axis=0)

    tl.store(out_ptr + row, sum_1)


@triton.jit
def mean_kernel(sum_1_ptr, out_ptr, columns, sum_1_stride_0, BLOCK: tl.constexpr):
    # one row to a program
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK).to(tl.int64)
    mask = column < columns

    sum_1 = tl.load(sum_1_ptr + column * sum_1_stride_0, mask=mask).to(tl.float32)

    total = tl.sum(tl.where(mask, sum_1, 0.0), axis=0)
    mean = tl.div_rn(total, tl.cast(columns, tl.float32))
    mul = mean * 4.0

    tl.store(out_ptr + row, mul)


def kernel_function(student, teacher):
    sum = torch.empty((teacher.shape[0],), dtype=student.dtype, device=student.device)
    sum_rows = teacher.shape[0]
    sum_columns = teacher.shape[1]
    if sum_rows > 0:
        log_softmax_sum_kernel[(sum_rows,)](
            student,
            teacher,
            sum,
            sum_columns,
            student.stride(0),
            student.stride(1),
            teacher.stride(0),
            teacher.stride(1),
            BLOCK=triton.next_power_of_2(sum_columns),
            num_warps=8,
        )
    out = torch.empty((), dtype=sum.dtype, device=sum.device)
    out_rows = 1
    out_columns = teacher.shape[0]
    if out_rows > 0:
        mean_kernel[(out_rows,)](
            sum, out, out_columns, sum.stride(0), BLOCK=triton.next_power_of_2(out_columns), num_warps=8
        )
    return out
