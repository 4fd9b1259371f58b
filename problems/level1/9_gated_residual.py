import torch
import torch.nn as nn


class Model(nn.Module):
    """A residual branch behind a learned gate: one gate a token, a bias and a running scale a channel."""

    def __init__(self, features: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(features))
        self.gate_bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("branch_scale", torch.ones(features), persistent=False)

    def forward(self, residual: torch.Tensor, branch: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """residual, branch: (batch_size, seq_len, features); gate: (batch_size, seq_len, 1)."""
        opened = torch.sigmoid(gate + self.gate_bias)
        return residual + opened * (branch * self.branch_scale + self.bias)


batch_size = 4
seq_len = 128
features = 576


def get_inputs():
    tokens = [torch.randn(batch_size, seq_len, features) for _ in range(2)]
    return [*tokens, torch.randn(batch_size, seq_len, 1)]


def get_init_inputs():
    return [features]
