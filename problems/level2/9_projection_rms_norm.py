import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """The end of a post-norm attention block: the output projection, the RMSNorm over its features, the residual."""

    def __init__(self, hidden: int, features: int, eps: float):
        super().__init__()
        self.projection = nn.Linear(hidden, features, bias=False)
        self.weight = nn.Parameter(torch.ones(features))
        self.eps = eps

    def forward(self, attended: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """attended: (tokens, hidden); residual: (tokens, features)."""
        return residual + F.rms_norm(self.projection(attended), self.weight.shape, self.weight, self.eps)


tokens = 256
hidden = 512
features = 256
eps = 1e-6


def get_inputs():
    return [torch.randn(tokens, hidden), torch.randn(tokens, features)]


def get_init_inputs():
    return [hidden, features, eps]
