import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """LayerNorm over the channels of images that stay in channels-first memory, as in ConvNeXt."""

    def __init__(self, channels: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """image: (batch_size, height, width, channels), a view of channels-first memory."""
        return F.layer_norm(image, self.weight.shape, self.weight, self.bias, self.eps)


batch_size = 4
channels = 192
height = 28
width = 28
eps = 1e-6


def get_inputs():
    return [torch.randn(batch_size, channels, height, width).permute(0, 2, 3, 1)]


def get_init_inputs():
    return [channels, eps]
