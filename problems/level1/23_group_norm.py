import torch
import torch.nn as nn


class Model(nn.Module):
    """GroupNorm of a diffusion model's U-Net, in float16."""

    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, dtype=torch.float16)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """image: (batch_size, channels, height, width)."""
        return self.norm(image)


batch_size = 2
channels = 128
groups = 32
height = 32
width = 32


def get_inputs():
    return [torch.randn(batch_size, channels, height, width, dtype=torch.float16)]


def get_init_inputs():
    return [channels, groups]
