import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """A language model's loss: cross-entropy with label smoothing, the mean over the tokens that have a label."""

    def __init__(self, smoothing: float, ignore_index: int):
        super().__init__()
        self.smoothing = smoothing
        self.ignore_index = ignore_index

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """logits: (tokens, vocabulary); labels: int64 (tokens,), `ignore_index` where there is none."""
        return F.cross_entropy(logits, labels, ignore_index=self.ignore_index, label_smoothing=self.smoothing)


tokens = 128
vocabulary = 8000
smoothing = 0.1
ignore_index = -100


def get_inputs():
    labels = torch.randint(0, vocabulary, (tokens,))
    labels[torch.rand(tokens) < 0.2] = ignore_index
    return [torch.randn(tokens, vocabulary), labels]


def get_init_inputs():
    return [smoothing, ignore_index]
