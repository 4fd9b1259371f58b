import torch
import torch.nn as nn


class Model(nn.Module):
    """LayerScale of a vision transformer: a learned scale a channel on the branch, then the residual."""

    def __init__(self, features: int, init_value: float):
        super().__init__()
        self.gamma = nn.Parameter(init_value * torch.ones(features))

    def forward(self, x: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        """x, branch: (batch_size, patches, features)."""
        return x + branch * self.gamma


batch_size = 4
patches = 197
features = 384
init_value = 1e-5


def get_inputs():
    return [torch.randn(batch_size, patches, features), torch.randn(batch_size, patches, features)]


def get_init_inputs():
    return [features, init_value]
