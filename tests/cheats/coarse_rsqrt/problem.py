import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """Rows scaled to a mean square of one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns)."""
        return F.rms_norm(x, x.shape[-1:], None, 1e-6)


rows = 24
columns = 256


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return []
