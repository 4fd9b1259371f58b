import torch
from torch import nn


class Model(nn.Module):
    """A mean squared error: one number."""

    def forward(self, x: torch.Tensor, target: torch.Tensor):
        return nn.functional.mse_loss(x, target)


rows, columns = 40, 200


def get_inputs():
    return [torch.randn(rows, columns), torch.randn(rows, columns)]


def get_init_inputs():
    return []
