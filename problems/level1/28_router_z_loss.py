import torch
import torch.nn as nn


class Model(nn.Module):
    """The z-loss of a mixture of experts, which keeps the router's logits small: the mean squared logsumexp."""

    def __init__(self, coefficient: float):
        super().__init__()
        self.coefficient = coefficient

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """logits: (batch_size, seq_len, experts)."""
        return self.coefficient * torch.logsumexp(logits, dim=-1).square().mean()


batch_size = 4
seq_len = 512
experts = 64
coefficient = 0.001


def get_inputs():
    return [2 * torch.randn(batch_size, seq_len, experts)]


def get_init_inputs():
    return [coefficient]
