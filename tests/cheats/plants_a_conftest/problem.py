import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """SiLU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch_size, features)."""
        return F.silu(x)


batch_size = 48
features = 128


def get_inputs():
    return [torch.randn(batch_size, features)]


def get_init_inputs():
    return []
