import torch
import torch.nn as nn


class Model(nn.Module):
    """Attention weights from raw scores: scaled, capped, masked, and the softmax over the keys."""

    def __init__(self, head_dim: int, cap: float):
        super().__init__()
        self.scale = head_dim**-0.5
        self.cap = cap

    def forward(self, scores: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """scores: (batch_size, heads, seq_len, seq_len); visible: bool (seq_len, seq_len), each row with a true one."""
        capped = torch.tanh(scores * self.scale / self.cap) * self.cap
        return torch.softmax(capped.masked_fill(~visible, float("-inf")), dim=-1)


batch_size = 2
heads = 8
seq_len = 128
head_dim = 64
cap = 50.0


def get_inputs():
    scores = 8 * torch.randn(batch_size, heads, seq_len, seq_len)
    return [scores, torch.ones(seq_len, seq_len, dtype=torch.bool).tril()]


def get_init_inputs():
    return [head_dim, cap]
