import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """SwiGLU: the gate of a transformer's feed-forward block, between its two projections."""

    def forward(self, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        """gate, up: (batch_size, seq_len, hidden)."""
        return F.silu(gate) * up


batch_size = 2
seq_len = 128
hidden = 1408


def get_inputs():
    return [torch.randn(batch_size, seq_len, hidden), torch.randn(batch_size, seq_len, hidden)]


def get_init_inputs():
    return []
