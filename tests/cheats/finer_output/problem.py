import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """SiLU, in bfloat16."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns)."""
        return F.silu(x)


def get_inputs():
    return [torch.randn(32, 64, dtype=torch.bfloat16)]


def get_init_inputs():
    return []
