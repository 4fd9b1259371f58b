import torch
import torch.nn as nn


class Model(nn.Module):
    """Sampling: the probabilities of the next token, at a temperature of its own for each request."""

    def forward(self, logits: torch.Tensor, temperature: torch.Tensor) -> torch.Tensor:
        """logits: (requests, vocabulary); temperature: (requests, 1), above zero."""
        return torch.softmax(logits / temperature, dim=-1)


requests = 16
vocabulary = 32000


def get_inputs():
    return [4 * torch.randn(requests, vocabulary), 0.3 + torch.rand(requests, 1)]


def get_init_inputs():
    return []
