import torch
import torch.nn as nn


class Model(nn.Module):
    """The place of each positive element in its row; -1 for the others."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns); returns int64 (rows, columns)."""
        places = torch.arange(x.shape[1], device=x.device)
        return torch.where(x > 0, places, -1)


def get_inputs():
    return [torch.randn(32, 64)]


def get_init_inputs():
    return []
