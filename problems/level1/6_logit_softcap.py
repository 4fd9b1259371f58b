import torch
import torch.nn as nn


class Model(nn.Module):
    """Soft cap on a language model's logits: they stay within (-cap, cap)."""

    def __init__(self, cap: float):
        super().__init__()
        self.cap = cap

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """logits: (batch_size, seq_len, vocabulary)."""
        return torch.tanh(logits / self.cap) * self.cap


batch_size = 2
seq_len = 32
vocabulary = 8000
cap = 30.0


def get_inputs():
    return [20 * torch.randn(batch_size, seq_len, vocabulary)]


def get_init_inputs():
    return [cap]
