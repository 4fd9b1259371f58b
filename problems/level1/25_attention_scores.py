import torch
import torch.nn as nn


class Model(nn.Module):
    """Attention scores in bfloat16: every query against every key, scaled."""

    def __init__(self, head_dim: int):
        super().__init__()
        self.scale = head_dim**-0.5

    def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """query: (batch_size, heads, queries, head_dim); key: (batch_size, heads, keys, head_dim)."""
        return torch.matmul(query, key.transpose(-2, -1)) * self.scale


batch_size = 2
heads = 8
queries = 96
keys = 160
head_dim = 64


def get_inputs():
    query = torch.randn(batch_size, heads, queries, head_dim, dtype=torch.bfloat16)
    return [query, torch.randn(batch_size, heads, keys, head_dim, dtype=torch.bfloat16)]


def get_init_inputs():
    return [head_dim]
