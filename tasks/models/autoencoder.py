"""An encoder and a decoder of one hidden layer each, as in the figures of Adam's paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VAE(nn.Module):
    """Softplus units to a Gaussian code and back to pixels (arXiv:1412.6980, section 6.4).

    Args:
        pixels, latent: of an image, of its code.
        hidden: width of both hidden layers.
    """

    def __init__(self, pixels: int, latent: int, hidden: int = 500) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Softplus())
        self.code = nn.Linear(hidden, 2 * latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.Softplus(), nn.Linear(hidden, pixels)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Pixels and noise ``[B, pixels + latent]`` to the logits of pixels, and to mean and log
        variance of the code, ``[B, pixels + 2 * latent]``."""
        pixels, noise = inputs[:, : -self.latent], inputs[:, -self.latent :]
        code = self.code(self.encoder(pixels))
        mean, log_variance = code.chunk(2, dim=1)
        return torch.cat([self.decoder(mean + noise * (log_variance / 2).exp()), code], dim=1)
