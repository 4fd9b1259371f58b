import torch
from torch import nn


class Model(nn.Module):
    """A product of bfloat16 matrices."""

    def forward(self, a: torch.Tensor, b: torch.Tensor):
        return a @ b


M, N, K = 64, 96, 640


def get_inputs():
    return [torch.randn(M, K).bfloat16(), torch.randn(K, N).bfloat16()]


def get_init_inputs():
    return []
