import torch
import torch.nn as nn


class Model(nn.Module):
    """Attention scores before the softmax: scaled, a bias a head added, padded keys masked out."""

    def __init__(self, head_dim: int):
        super().__init__()
        self.scale = head_dim**-0.5

    def forward(self, scores: torch.Tensor, bias: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """scores: (batch_size, heads, seq_len, seq_len); bias: (heads, seq_len, seq_len);
        keep: bool (batch_size, seq_len), false for padding.
        """
        biased = scores * self.scale + bias
        return biased.masked_fill(~keep[:, None, None, :], float("-inf"))


batch_size = 2
heads = 8
seq_len = 128
head_dim = 64


def get_inputs():
    scores = torch.randn(batch_size, heads, seq_len, seq_len)
    bias = torch.randn(heads, seq_len, seq_len)
    return [scores, bias, torch.rand(batch_size, seq_len) < 0.8]


def get_init_inputs():
    return [head_dim]
