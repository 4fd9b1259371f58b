import torch
import torch.nn as nn


class Model(nn.Module):
    """A diffusion model's training step: the noised image, and the velocity that the model learns to predict."""

    def forward(
        self, image: torch.Tensor, noise: torch.Tensor, alpha_bar: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """image, noise: (batch_size, channels, height, width); alpha_bar: (batch_size,), from 0 to 1."""
        signal = alpha_bar.sqrt()[:, None, None, None]
        spread = (1 - alpha_bar).sqrt()[:, None, None, None]
        return signal * image + spread * noise, signal * noise - spread * image


batch_size = 8
channels = 4
height = 64
width = 64


def get_inputs():
    image = torch.randn(batch_size, channels, height, width)
    return [image, torch.randn_like(image), torch.rand(batch_size)]


def get_init_inputs():
    return []
