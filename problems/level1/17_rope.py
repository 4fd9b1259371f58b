import torch
import torch.nn as nn


class Model(nn.Module):
    """Rotary position embedding: the two halves of each query are rotated by its position's angles."""

    def forward(
        self, first: torch.Tensor, second: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """first, second: the halves (batch_size, heads, seq_len, half_dim) of queries in memory of which a token's
        heads lie side by side; cos, sin: (seq_len, half_dim).
        """
        return first * cos - second * sin, second * cos + first * sin


batch_size = 2
heads = 12
seq_len = 128
half_dim = 32


def get_inputs():
    angles = 3.2 * torch.rand(seq_len, half_dim)
    query = torch.randn(batch_size, seq_len, heads, 2 * half_dim).transpose(1, 2)
    return [*query.chunk(2, dim=-1), angles.cos(), angles.sin()]


def get_init_inputs():
    return []
