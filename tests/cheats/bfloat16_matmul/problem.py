import torch
import torch.nn as nn


class Model(nn.Module):
    """A matrix product."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """a: (rows, inner); b: (inner, columns)."""
        return a @ b


rows = 32
inner = 64
columns = 48


def get_inputs():
    return [torch.randn(rows, inner), torch.randn(inner, columns)]


def get_init_inputs():
    return []
