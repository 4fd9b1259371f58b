"""gelu, mul.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def _gelu_tanh(x):
    inner = 0.7978845608028654 * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1.0 + libdevice.tanh(inner))


@triton.jit
def gelu_mul_kernel(
    gate_ptr,
    up_ptr,
    out_ptr,
    numel,
    size_1,
    gate_stride_0,
    gate_stride_1,
    up_stride_0,
    up_stride_1,
    BLOCK: tl.constexpr,
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1
    index_1 = offsets % size_1

    gate = tl.load(gate_ptr + index_0 * gate_stride_0 + index_1 * gate_stride_1, mask=mask).to(tl.float32)
    up = tl.load(up_ptr + index_0 * up_stride_0 + index_1 * up_stride_1, mask=mask).to(tl.float32)

    gelu = _gelu_tanh(gate)
    mul = gelu * up

    tl.store(out_ptr + offsets, mul, mask=mask)


def kernel_function(gate, up):
    out = torch.empty(gate.shape, dtype=gate.dtype, device=gate.device)
    numel = out.numel()
    if numel > 0:
        gelu_mul_kernel[(triton.cdiv(numel, 1024),)](
            gate,
            up,
            out,
            numel,
            out.shape[1],
            gate.stride(0),
            gate.stride(1),
            up.stride(0),
            up.stride(1),
            BLOCK=1024,
            num_warps=4,
        )
    return out
