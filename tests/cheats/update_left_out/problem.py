import torch
import torch.nn as nn


class Model(nn.Module):
    """A moving average, updated in place."""

    def forward(self, average: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """average: (rows, columns), overwritten; x: (rows, columns)."""
        return average.mul_(0.9).add_(x, alpha=0.1)


rows = 24
columns = 256


def get_inputs():
    return [torch.randn(rows, columns), torch.randn(rows, columns)]


def get_init_inputs():
    return []
