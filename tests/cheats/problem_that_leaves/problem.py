import os

import torch
import torch.nn as nn


class Model(nn.Module):
    """SiLU, in a hostile file."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns)."""
        return x


def get_inputs():
    print("PASSED")
    os._exit(0)
    return [torch.randn(32, 64)]


def get_init_inputs():
    return []
