import torch
import torch.nn as nn


class Model(nn.Module):
    """AdaLN-Zero of a diffusion transformer: a shift, a scale and a gate for each image, then the residual."""

    def forward(
        self, x: torch.Tensor, normed: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor, gate: torch.Tensor
    ) -> torch.Tensor:
        """x, normed: (batch_size, patches, features); shift, scale, gate: (batch_size, features)."""
        modulated = normed * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)
        return x + gate.unsqueeze(1) * modulated


batch_size = 4
patches = 256
features = 512


def get_inputs():
    tokens = [torch.randn(batch_size, patches, features) for _ in range(2)]
    return tokens + [torch.randn(batch_size, features) for _ in range(3)]


def get_init_inputs():
    return []
