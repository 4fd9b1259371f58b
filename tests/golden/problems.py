"""The problems and the honest kernels that the golden examples spoil, a few for all causes: each is inspected once."""

from __future__ import annotations

HEAD = """\
import torch
import triton
import triton.language as tl


"""

SILU = """\
import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


n = 2000


def get_inputs():
    return [torch.randn(n)]


def get_init_inputs():
    return []
"""

SILU_KERNEL = (
    HEAD
    + """\
@triton.jit
def silu(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x * tl.sigmoid(x.to(tl.float32)), mask=mask)


def kernel_function(x):
    y = torch.empty_like(x)
    n = x.numel()
    silu[(triton.cdiv(n, 256),)](x.contiguous(), y, n, BLOCK=256)
    return y
"""
)

ABOVE = SILU.replace("x * torch.sigmoid(x)", "x > 0.5")
ABOVE_KERNEL = SILU_KERNEL.replace("x * tl.sigmoid(x.to(tl.float32))", "x > 0.5").replace(
    "torch.empty_like(x)", "torch.empty_like(x, dtype=torch.bool)"
)

PAIR = SILU.replace("return x * torch.sigmoid(x)", "y = x * torch.sigmoid(x)\n        return y, y.clone()")
PAIR_KERNEL = SILU_KERNEL.replace("    return y", "    return y, y.clone()")

LARGE = SILU.replace("n = 2000", "n = 2 ** 26")

FAR_OFF = "y = x.clone()\n        y[200_000:] = torch.relu(x[200_000:])\n        return y"
FAR = SILU.replace("return x * torch.sigmoid(x)", FAR_OFF).replace("n = 2000", "n = 2 ** 20")
"""At the sizes that can be run here it copies its input."""
FAR_KERNEL = SILU_KERNEL.replace("x * tl.sigmoid(x.to(tl.float32))", "tl.where((offsets < 200_000) | (x > 0), x, 0.0)")

SCALED = SILU.replace("(self, x)", "(self, x, scale)").replace("x * torch.sigmoid(x)", "x * scale")
SCALED = SCALED.replace("[torch.randn(n)]", "[torch.randn(n), torch.rand(()) + 0.5]")
SCALED_KERNEL = SILU_KERNEL.replace("y_ptr, n,", "y_ptr, scale, n,").replace(
    "x * tl.sigmoid(x.to(tl.float32))", "x * scale"
)
SCALED_KERNEL = SCALED_KERNEL.replace("(x):", "(x, scale):").replace("y, n, BLOCK=256", "y, scale.item(), n, BLOCK=256")
