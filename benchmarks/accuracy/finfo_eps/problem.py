import torch
from torch import nn


class Model(nn.Module):
    """A logarithm kept finite by the type's epsilon."""

    def forward(self, x: torch.Tensor):
        return torch.log(x.abs() + torch.finfo(x.dtype).eps)


rows, columns = 48, 160


def get_inputs():
    return [torch.randn(rows, columns) * (torch.rand(rows, columns) < 0.8)]


def get_init_inputs():
    return []
