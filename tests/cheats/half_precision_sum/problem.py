import torch
import torch.nn as nn


class Model(nn.Module):
    """Each row's sum: float16 values, summed in float32."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (rows, columns); returns (rows,)."""
        return x.sum(dim=-1, dtype=torch.float32)


rows = 16
columns = 512


def get_inputs():
    return [torch.rand(rows, columns, dtype=torch.float16) / 4]


def get_init_inputs():
    return []
