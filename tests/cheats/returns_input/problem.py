import torch
import torch.nn as nn


class Model(nn.Module):
    """Activations clipped to the range of an 8-bit float."""

    def __init__(self, limit: float):
        super().__init__()
        self.limit = limit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch_size, features)."""
        return x.clamp(-self.limit, self.limit)


batch_size = 48
features = 128
limit = 448.0


def get_inputs():
    return [torch.randn(batch_size, features)]


def get_init_inputs():
    return [limit]
