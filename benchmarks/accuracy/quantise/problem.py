import torch
from torch import nn


class Model(nn.Module):
    """Rounded to int8 by a scale."""

    def forward(self, x: torch.Tensor):
        return torch.clamp(torch.round(x / 0.03), -128, 127).to(torch.int8)


rows, columns = 48, 160


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return []
