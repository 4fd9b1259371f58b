import torch
from torch import nn


class Model(nn.Module):
    """Index of the largest float32 element."""

    def forward(self, x: torch.Tensor):
        return x.argmax(-1)


rows, columns = 32, 400


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return []
