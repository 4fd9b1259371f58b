import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """QK-norm in bfloat16: each head's queries and keys get an RMSNorm of their own before attention."""

    def __init__(self, head_dim: int, eps: float):
        super().__init__()
        self.query_weight = nn.Parameter(torch.ones(head_dim, dtype=torch.bfloat16))
        self.key_weight = nn.Parameter(torch.ones(head_dim, dtype=torch.bfloat16))
        self.eps = eps

    def forward(self, query: torch.Tensor, key: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """query: (batch_size, heads, seq_len, head_dim); key: (batch_size, kv_heads, seq_len, head_dim); both are
        views of memory in which a token's heads lie side by side.
        """
        shape = self.query_weight.shape
        return (
            F.rms_norm(query, shape, self.query_weight, self.eps),
            F.rms_norm(key, shape, self.key_weight, self.eps),
        )


batch_size = 2
seq_len = 128
heads = 16
kv_heads = 4
head_dim = 64
eps = 1e-6


def get_inputs():
    query = torch.randn(batch_size, seq_len, heads, head_dim, dtype=torch.bfloat16)
    key = torch.randn(batch_size, seq_len, kv_heads, head_dim, dtype=torch.bfloat16)
    return [query.transpose(1, 2), key.transpose(1, 2)]


def get_init_inputs():
    return [head_dim, eps]
