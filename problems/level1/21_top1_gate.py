import torch
import torch.nn as nn


class Model(nn.Module):
    """The gate of a switch transformer: each token's expert, and the probability that scales the expert's output."""

    def forward(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """logits: (tokens, experts); returns int64 (tokens,) and (tokens,)."""
        expert = logits.argmax(dim=-1)
        weight = torch.softmax(logits, dim=-1).amax(dim=-1)
        return expert, weight


tokens = 1024
experts = 60


def get_inputs():
    return [torch.randn(tokens, experts)]


def get_init_inputs():
    return []
