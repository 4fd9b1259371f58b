"""Scores of all experts for a row, then the row of the best."""

import torch
import triton
import triton.language as tl


@triton.jit
def route_kernel(x_ptr, router_ptr, table_ptr, y_ptr, columns, experts, width, row_stride, step, BLOCK: tl.constexpr,
                 EXPERTS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    at, expert, place = tl.arange(0, BLOCK), tl.arange(0, EXPERTS), tl.arange(0, WIDTH)
    x = tl.load(x_ptr + row * row_stride + at * step, mask=at < columns, other=0.0).to(tl.float32)
    inside = (expert[:, None] < experts) & (at[None, :] < columns)
    router = tl.load(router_ptr + expert[:, None] * columns + at[None, :], mask=inside, other=0.0).to(tl.float32)
    scores = tl.sum(router * x[None, :], axis=1)
    best = tl.argmax(tl.where(expert < experts, scores, float("-inf")), axis=0)
    y = tl.load(table_ptr + best * width + place, mask=place < width)
    tl.store(y_ptr + row * width + place, y, mask=place < width)


def kernel_function(x, router, table):
    (rows, columns), (experts, width) = x.shape, table.shape
    y = torch.empty((rows, width), dtype=x.dtype, device=x.device)
    blocks = {"BLOCK": triton.next_power_of_2(columns), "EXPERTS": triton.next_power_of_2(experts)}
    if rows > 0:
        route_kernel[(rows,)](
            x, router, table, y, columns, experts, width, *x.stride(), **blocks, WIDTH=triton.next_power_of_2(width)
        )
    return y
