import torch
import torch.nn as nn


class Model(nn.Module):
    """The moving average of a model's weights, updated in place after a training step."""

    def __init__(self, decay: float):
        super().__init__()
        self.decay = decay

    def forward(self, average: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """average: (rows, columns), overwritten; weight: (rows, columns)."""
        return average.lerp_(weight, 1 - self.decay)


rows = 384
columns = 768
decay = 0.999


def get_inputs():
    return [torch.randn(rows, columns), torch.randn(rows, columns)]


def get_init_inputs():
    return [decay]
