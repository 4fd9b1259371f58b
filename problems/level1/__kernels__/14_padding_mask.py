"""eq, mul, scalar_tensor, where.

Written by the cookbook (pointwise: block 2048, 8 warps, exact, strided).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def pointwise_kernel(
    embeddings_ptr,
    ids_ptr,
    out_ptr,
    numel,
    size_1,
    embeddings_stride_0,
    embeddings_stride_1,
    ids_stride_0,
    BLOCK: tl.constexpr,
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1
    index_1 = offsets % size_1

    embeddings_offsets = index_0 * embeddings_stride_0 + index_1 * embeddings_stride_1
    embeddings = tl.load(embeddings_ptr + embeddings_offsets, mask=mask).to(tl.float32)
    ids = tl.load(ids_ptr + index_0 * ids_stride_0, mask=mask)

    eq = ids == 0
    mul = embeddings * 22.627416997969522
    where = tl.where(eq, 0.0, mul)

    tl.store(out_ptr + offsets, where, mask=mask)


def kernel_function(embeddings, ids):
    ids = ids.unsqueeze(2)
    out = torch.empty(embeddings.shape, dtype=embeddings.dtype, device=embeddings.device)
    embeddings = embeddings.reshape(out.shape[:2].numel(), out.shape[2])
    ids = ids.expand(out.shape).reshape(out.shape[:2].numel(), out.shape[2])
    numel = out.numel()
    if numel > 0:
        pointwise_kernel[(triton.cdiv(numel, 2048),)](
            embeddings,
            ids,
            out,
            numel,
            out.shape[2],
            embeddings.stride(0),
            embeddings.stride(1),
            ids.stride(0),
            BLOCK=2048,
            num_warps=8,
        )
    return out
