import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """Squared ReLU, added to the residual stream."""

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """x, residual: (batch_size, seq_len, features)."""
        return residual + F.relu(x).square()


batch_size = 4
seq_len = 96
features = 768


def get_inputs():
    return [torch.randn(batch_size, seq_len, features), torch.randn(batch_size, seq_len, features)]


def get_init_inputs():
    return []
