import torch
import torch.nn as nn


class Model(nn.Module):
    """Each row's maximum times the number of its elements that reach it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns); returns (rows,)."""
        top = x.amax(dim=-1, keepdim=True)
        return top.squeeze(-1) * (x == top).sum(dim=-1)


def get_inputs():
    return [torch.randn(32, 64)]


def get_init_inputs():
    return []
