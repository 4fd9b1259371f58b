import torch
from torch import nn


class Model(nn.Module):
    """Rounded to steps of a scale, in float32: what follows a decision."""

    def forward(self, x: torch.Tensor):
        return torch.clamp(torch.round(x / 0.03), -128, 127) * 0.03


rows, columns = 48, 160


def get_inputs():
    return [
        torch.where(
            torch.rand(rows, columns) < 0.5,
            torch.randn(rows, columns),
            torch.randint(-90, 90, (rows, columns)) * 0.03 + 0.015,
        )
    ]


def get_init_inputs():
    return []
