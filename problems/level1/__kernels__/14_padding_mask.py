"""eq, mul, scalar_tensor, where.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def pointwise_kernel(embeddings_ptr, ids_ptr, out_ptr, numel, size_1, ids_stride_0, BLOCK: tl.constexpr):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1

    embeddings = tl.load(embeddings_ptr + offsets, mask=mask).to(tl.float32)
    ids = tl.load(ids_ptr + index_0 * ids_stride_0, mask=mask)

    eq = ids == 0
    mul = embeddings * 22.627416997969522
    where = tl.where(eq, 0.0, mul)

    tl.store(out_ptr + offsets, where, mask=mask)


def kernel_function(embeddings, ids):
    ids = ids.unsqueeze(2)
    embeddings = embeddings.contiguous()
    out = torch.empty(embeddings.shape, dtype=embeddings.dtype, device=embeddings.device)
    ids = ids.expand(out.shape).reshape(out.shape[:2].numel(), out.shape[2])
    numel = out.numel()
    if numel > 0:
        pointwise_kernel[(triton.cdiv(numel, 1024),)](
            embeddings, ids, out, numel, out.shape[2], ids.stride(0), BLOCK=1024, num_warps=4
        )
    return out
