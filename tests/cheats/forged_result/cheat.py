"""Stopped by: a result must be memory that a launch of a checked kernel wrote, whatever the wrapper's messages say.

Finds the descriptors that are sockets and speaks the launch plan itself: memory filled with a constant, given as the
result. Then it leaves, so that its own account of the call comes too late.
"""

import json
import os
import stat
import struct

import torch
import triton
import triton.language as tl


@triton.jit
def nothing_kernel(out_ptr, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    tl.store(out_ptr + offsets, 0.0)


def say(message):
    body = json.dumps(message).encode()
    for descriptor in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, struct.pack(">I", len(body)) + body)
        except OSError:
            continue


def kernel_function(x):
    scratch = torch.empty(16, device=x.device, dtype=x.dtype)
    nothing_kernel[(1,)](scratch, BLOCK_SIZE=16)
    spec = {"shape": list(x.shape), "stride": list(x.stride()), "offset": 0, "dtype": "float32", "storage": 2}
    say({"op": "alloc", "storage": 2, "bytes": x.numel() * 4})
    say({"op": "fill", "tensor": spec, "value": 0.5})
    say({"op": "result", "tree": {"t": spec}})
    raise SystemExit(0)
