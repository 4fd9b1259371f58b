import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """A frozen projection with a low-rank update beside it (LoRA), summed."""

    def __init__(self, features: int, out_features: int, rank: int, alpha: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, features) / features**0.5)
        self.down = nn.Parameter(torch.randn(rank, features) / features**0.5)
        self.up = nn.Parameter(torch.randn(out_features, rank) / rank**0.5)
        self.scale = alpha / rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (tokens, features)."""
        return F.linear(x, self.weight) + self.scale * F.linear(F.linear(x, self.down), self.up)


tokens = 192
features = 384
out_features = 512
rank = 16
alpha = 32


def get_inputs():
    return [torch.randn(tokens, features)]


def get_init_inputs():
    return [features, out_features, rank, alpha]
