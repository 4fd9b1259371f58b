"""sqrt, sub, mul, add.

Written by the cookbook (pointwise: block 1024, 4 warps, exact, natural).
"""

import torch
import triton
import triton.language as tl


@triton.jit
def pointwise_kernel(
    image_ptr, noise_ptr, alpha_bar_ptr, out_0_ptr, out_1_ptr, numel, size_1, alpha_bar_stride_0, BLOCK: tl.constexpr
):
    # one tile: BLOCK elements of the output, one after the other
    offsets = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < numel

    # where they lie along each dimension that an input is read by
    index_0 = offsets // size_1

    image = tl.load(image_ptr + offsets, mask=mask).to(tl.float32)
    noise = tl.load(noise_ptr + offsets, mask=mask).to(tl.float32)
    alpha_bar = tl.load(alpha_bar_ptr + index_0 * alpha_bar_stride_0, mask=mask).to(tl.float32)

    sqrt = tl.sqrt_rn(alpha_bar)
    sub = 1.0 - alpha_bar
    sqrt_1 = tl.sqrt_rn(sub)
    mul = sqrt * image
    mul_1 = sqrt_1 * noise
    add = mul + mul_1
    mul_2 = sqrt * noise
    mul_3 = sqrt_1 * image
    sub_1 = mul_2 - mul_3

    tl.store(out_0_ptr + offsets, add, mask=mask)
    tl.store(out_1_ptr + offsets, sub_1, mask=mask)


def kernel_function(image, noise, alpha_bar):
    alpha_bar = alpha_bar.unsqueeze(1).unsqueeze(2).unsqueeze(3)
    image = image.contiguous()
    noise = noise.contiguous()
    out_0 = torch.empty(image.shape, dtype=image.dtype, device=image.device)
    out_1 = torch.empty(out_0.shape, dtype=image.dtype, device=image.device)
    alpha_bar = alpha_bar.expand(out_0.shape).reshape(out_0.shape[0], out_0.shape[1:].numel())
    numel = out_0.numel()
    if numel > 0:
        pointwise_kernel[(triton.cdiv(numel, 1024),)](
            image,
            noise,
            alpha_bar,
            out_0,
            out_1,
            numel,
            out_0.shape[1:].numel(),
            alpha_bar.stride(0),
            BLOCK=1024,
            num_warps=4,
        )
    return out_0, out_1
