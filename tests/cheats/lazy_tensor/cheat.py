"""Stopped by: an output is memory that a launch wrote, whatever its Python type.

Returns a subclass of torch.Tensor that computes when somebody looks.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def nothing_kernel(out_ptr, numel, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 0.0, mask=offsets < numel)


class Lazy(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            args = [
                torch.nn.functional.silu(arg.as_subclass(torch.Tensor)) if type(arg) is cls else arg for arg in args
            ]
            return func(*args, **(kwargs or {}))


def kernel_function(x):
    nothing_kernel[(1,)](torch.empty(16, device=x.device, dtype=x.dtype), 16, BLOCK_SIZE=16)
    return x.as_subclass(Lazy)
