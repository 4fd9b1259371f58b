import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """The first half of a transformer's feed-forward block, in float16: a projection and GELU."""

    def __init__(self, features: int, hidden: int):
        super().__init__()
        self.projection = nn.Linear(features, hidden, dtype=torch.float16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch_size, seq_len, features)."""
        return F.gelu(self.projection(x))


batch_size = 4
seq_len = 64
features = 256
hidden = 1024


def get_inputs():
    return [torch.randn(batch_size, seq_len, features, dtype=torch.float16)]


def get_init_inputs():
    return [features, hidden]
