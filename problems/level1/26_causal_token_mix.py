import torch
import torch.nn as nn


class Model(nn.Module):
    """Spatial gating of a causal gMLP: each token becomes a learned mix of itself and the tokens before it."""

    def __init__(self, seq_len: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(seq_len, seq_len) / seq_len**0.5)
        self.bias = nn.Parameter(torch.ones(seq_len, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch_size, seq_len, features)."""
        return torch.matmul(torch.tril(self.weight), x) + self.bias


batch_size = 4
seq_len = 128
features = 192


def get_inputs():
    return [torch.randn(batch_size, seq_len, features)]


def get_init_inputs():
    return [seq_len]
