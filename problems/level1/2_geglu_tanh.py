import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """GeGLU with the tanh approximation, in bfloat16, on the two halves of one fused projection."""

    def forward(self, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        """gate, up: (tokens, hidden), rows 2 * hidden apart."""
        return F.gelu(gate, approximate="tanh") * up


tokens = 256
hidden = 1024


def get_inputs():
    projected = torch.randn(tokens, 2 * hidden, dtype=torch.bfloat16)
    return list(projected.chunk(2, dim=-1))


def get_init_inputs():
    return []
