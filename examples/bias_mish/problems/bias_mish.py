"""Mish behind a bias, as the last step of a convolution's block computes it."""

import torch
import torch.nn.functional as F


class Model(torch.nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(features))

    def forward(self, x):
        return F.mish(x + self.bias)


batch = 8
features = 96


def get_inputs():
    return [torch.randn(batch, features)]


def get_init_inputs():
    return [features]
