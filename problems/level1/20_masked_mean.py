import torch
import torch.nn as nn


class Model(nn.Module):
    """A sentence embedding: the mean over the tokens that are no padding; zeros for a sentence of padding alone."""

    def forward(self, hidden: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        """hidden: (batch_size, seq_len, features); keep: bool (batch_size, seq_len), false for padding."""
        weight = keep.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


batch_size = 16
seq_len = 128
features = 384


def get_inputs():
    lengths = torch.randint(0, seq_len + 1, (batch_size, 1))
    return [torch.randn(batch_size, seq_len, features), torch.arange(seq_len) < lengths]


def get_init_inputs():
    return []
