import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """xIELU, an activation with two learned slopes: quadratic for positive inputs, exponential below."""

    def __init__(self, alpha_p: float, alpha_n: float, beta: float, eps: float):
        super().__init__()
        self.alpha_p = nn.Parameter(torch.log(torch.expm1(torch.tensor(alpha_p))))
        self.alpha_n = nn.Parameter(torch.log(torch.expm1(torch.tensor(alpha_n - beta))))
        self.register_buffer("beta", torch.tensor(beta))
        self.register_buffer("eps", torch.tensor(eps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (batch_size, seq_len, hidden)."""
        alpha_p = F.softplus(self.alpha_p)
        alpha_n = self.beta + F.softplus(self.alpha_n)
        positive = alpha_p * x * x + self.beta * x
        negative = (torch.expm1(torch.minimum(x, self.eps)) - x) * alpha_n + self.beta * x
        return torch.where(x > 0, positive, negative)


batch_size = 2
seq_len = 64
hidden = 1536
alpha_p = 0.8
alpha_n = 0.8
beta = 0.5
eps = -1e-6


def get_inputs():
    return [torch.randn(batch_size, seq_len, hidden)]


def get_init_inputs():
    return [alpha_p, alpha_n, beta, eps]
