"""Each row with its mean taken away and divided by its standard deviation, as series are put on one scale."""

import torch


class Model(torch.nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        deviation = x.std(dim=-1, keepdim=True)
        return (x - mean) / (deviation + self.eps)


series = 12
steps = 80
eps = 0.01


def get_inputs():
    return [torch.randn(series, steps)]


def get_init_inputs():
    return [eps]
