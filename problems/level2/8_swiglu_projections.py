import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """A gated feed-forward block up to its last projection, in bfloat16: two projections and SwiGLU between them."""

    def __init__(self, features: int, hidden: int):
        super().__init__()
        self.gate = nn.Linear(features, hidden, bias=False, dtype=torch.bfloat16)
        self.up = nn.Linear(features, hidden, bias=False, dtype=torch.bfloat16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (tokens, features)."""
        return F.silu(self.gate(x)) * self.up(x)


tokens = 128
features = 320
hidden = 864


def get_inputs():
    return [torch.randn(tokens, features, dtype=torch.bfloat16)]


def get_init_inputs():
    return [features, hidden]
