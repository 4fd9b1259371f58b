import torch
import torch.nn as nn


class Model(nn.Module):
    """Token embeddings scaled by the width of the model, with those of padding tokens set to zero."""

    def __init__(self, pad_id: int, features: int):
        super().__init__()
        self.pad_id = pad_id
        self.scale = features**0.5

    def forward(self, embeddings: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """embeddings: (batch_size, seq_len, features); ids: int64 (batch_size, seq_len)."""
        return torch.where(ids.unsqueeze(-1) == self.pad_id, 0.0, embeddings * self.scale)


batch_size = 4
seq_len = 128
features = 512
pad_id = 0


def get_inputs():
    return [torch.randn(batch_size, seq_len, features), torch.randint(0, 4, (batch_size, seq_len))]


def get_init_inputs():
    return [pad_id, features]
