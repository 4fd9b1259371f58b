import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """Discretisation of a selective state space: the step sizes and the decays of each head."""

    def __init__(self, heads: int, dt_min: float, dt_max: float):
        super().__init__()
        self.dt_bias = nn.Parameter(torch.linspace(-4.0, -2.0, heads))
        self.a_log = nn.Parameter(torch.log(torch.linspace(1.0, 16.0, heads)))
        self.dt_min = dt_min
        self.dt_max = dt_max

    def forward(self, dt: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """dt: (batch_size, seq_len, heads); returns the step sizes and the decays, both of that shape."""
        step = F.softplus(dt + self.dt_bias).clamp(self.dt_min, self.dt_max)
        return step, torch.exp(-step * torch.exp(self.a_log))


batch_size = 2
seq_len = 256
heads = 24
dt_min = 0.001
dt_max = 0.5


def get_inputs():
    return [torch.randn(batch_size, seq_len, heads)]


def get_init_inputs():
    return [heads, dt_min, dt_max]
