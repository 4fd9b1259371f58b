import torch
import torch.nn as nn


class Model(nn.Module):
    """Quantisation-aware training: activations rounded to an int8 grid, with a scale and a zero point a channel."""

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("scale", torch.linspace(0.01, 0.05, features))
        self.register_buffer("zero_point", torch.arange(features, dtype=torch.float32) % 7 - 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (tokens, features)."""
        level = torch.clamp(torch.round(x / self.scale) + self.zero_point, -128, 127)
        return (level - self.zero_point) * self.scale


tokens = 512
features = 640


def get_inputs():
    return [torch.randn(tokens, features)]


def get_init_inputs():
    return [features]
