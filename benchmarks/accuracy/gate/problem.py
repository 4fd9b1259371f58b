import torch
from torch import nn


class Model(nn.Module):
    """Rows whose mean is above a threshold, others negated: what follows a decision over a sum."""

    def forward(self, x: torch.Tensor):
        return torch.where(x.mean(-1, keepdim=True) > 0.01, x, -x)


rows, columns = 32, 300


def near(x):
    """With means at the threshold, or up to some 1e-5 from it."""
    return x - x.mean(-1, keepdim=True) + 0.01 + 1e-5 * torch.randn(rows, 1) * (torch.rand(rows, 1) < 0.5)


def get_inputs():
    return [near(torch.randn(rows, columns))]


def get_init_inputs():
    return []
