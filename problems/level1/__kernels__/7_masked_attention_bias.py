"""mul, add, bitwise_not, masked_fill.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def pointwise_kernel(
    scores_ptr,
    bias_ptr,
    keep_ptr,
    out_ptr,
    numel,
    size_1,
    size_2,
    bias_stride_1,
    bias_stride_2,
    keep_stride_0,
    keep_stride_2,
    BLOCK: tl.constexpr,
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_2 // size_1
    index_1 = offsets // size_2 % size_1
    index_2 = offsets % size_2

    scores = tl.load(scores_ptr + offsets, mask=mask).to(tl.float32)
    bias = tl.load(bias_ptr + index_1 * bias_stride_1 + index_2 * bias_stride_2, mask=mask).to(tl.float32)
    keep = tl.load(keep_ptr + index_0 * keep_stride_0 + index_2 * keep_stride_2, mask=mask)

    mul = scores * 0.125
    add = mul + bias
    bitwise_not = ~keep
    masked_fill = tl.where(bitwise_not, float("-inf"), add)

    tl.store(out_ptr + offsets, masked_fill, mask=mask)


def kernel_function(scores, bias, keep):
    keep = keep.unsqueeze(1).unsqueeze(2)
    scores = scores.contiguous()
    out = torch.empty(scores.shape, dtype=scores.dtype, device=scores.device)
    bias = bias.expand(out.shape).reshape(out.shape[0], out.shape[1:3].numel(), out.shape[3])
    keep = keep.expand(out.shape).reshape(out.shape[0], out.shape[1:3].numel(), out.shape[3])
    numel = out.numel()
    if numel > 0:
        pointwise_kernel[(triton.cdiv(numel, 1024),)](
            scores,
            bias,
            keep,
            out,
            numel,
            out.shape[1:3].numel(),
            out.shape[3],
            bias.stride(1),
            bias.stride(2),
            keep.stride(0),
            keep.stride(2),
            BLOCK=1024,
            num_warps=4,
        )
    return out
