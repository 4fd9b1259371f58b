import torch
import torch.nn as nn


class Model(nn.Module):
    """SwiGLU of a mixture of experts: both halves clamped, a steeper sigmoid, one added to the linear half."""

    def __init__(self, alpha: float, limit: float):
        super().__init__()
        self.alpha = alpha
        self.limit = limit

    def forward(self, gate: torch.Tensor, linear: torch.Tensor) -> torch.Tensor:
        """gate, linear: (tokens, hidden), interleaved in memory."""
        gate = gate.clamp(max=self.limit)
        linear = linear.clamp(min=-self.limit, max=self.limit)
        return gate * torch.sigmoid(self.alpha * gate) * (linear + 1)


tokens = 192
hidden = 1440
alpha = 1.702
limit = 7.0


def get_inputs():
    projected = 4 * torch.randn(tokens, 2 * hidden)
    return [projected[:, ::2], projected[:, 1::2]]


def get_init_inputs():
    return [alpha, limit]
