import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    """Distillation: the divergence of the student's distribution from the teacher's, both softened."""

    def __init__(self, temperature: float):
        super().__init__()
        self.temperature = temperature

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """student, teacher: logits (tokens, vocabulary)."""
        log_student = F.log_softmax(student / self.temperature, dim=-1)
        log_teacher = F.log_softmax(teacher / self.temperature, dim=-1)
        divergence = (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1)
        return divergence.mean() * self.temperature**2


tokens = 64
vocabulary = 8000
temperature = 2.0


def get_inputs():
    return [2 * torch.randn(tokens, vocabulary), 2 * torch.randn(tokens, vocabulary)]


def get_init_inputs():
    return [temperature]
