import torch
import torch.nn as nn


class Model(nn.Module):
    """The sum of each column."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns); returns (columns,)."""
        return x.sum(dim=0)


rows = 24
columns = 256


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return []
