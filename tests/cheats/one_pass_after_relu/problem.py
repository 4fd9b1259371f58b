import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """What is positive, standardised row by row."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns)."""
        return F.layer_norm(F.relu(x), x.shape[-1:])


rows = 24
columns = 256


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return []
