import torch
import torch.nn as nn


class Model(nn.Module):
    """A matrix product, in bfloat16."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """a: (rows, inner); b: (inner, columns)."""
        return a @ b


def get_inputs():
    return [torch.randn(32, 64, dtype=torch.bfloat16), torch.randn(64, 48, dtype=torch.bfloat16)]


def get_init_inputs():
    return []
