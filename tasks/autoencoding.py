"""Variational autoencoding of images (arXiv:1312.6114): the loss bounds what an image costs."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tasks.base import Task
from tasks.data.dataset import Dataset, InvalidData, Split


class VariationalAutoencoding(Task):
    """Images of bytes as flat pixels, each with the noise ``[latent]`` that draws its code.

    The noise stands behind the pixels, so that a model is a function of its inputs: for training
    each batch gets new noise from the trial's own generator, validation and test always the same.

    Args:
        latent: numbers of a code.

    Raises:
        InvalidData: the images are no bytes.
    """

    inputs = "pixels_and_noise"

    def __init__(self, dataset: Dataset, latent: int = 50) -> None:
        super().__init__(dataset)
        if dataset.train.inputs.dtype.name != "uint8":
            raise InvalidData(f"images of {dataset.train.inputs.dtype}; uint8, 0 to 255, is needed")
        self.latent = latent
        self.augment = partial(draw_noise, latent)

    def prepare(self, examples: Split) -> Tensor:
        """``[N, pixels + latent]``, float32: pixels from 0 to 1, then noise."""
        pixels = torch.tensor(examples.inputs).flatten(1).float() / 255
        noise = torch.randn(len(pixels), self.latent, generator=Generator().manual_seed(0))
        return torch.cat([pixels, noise], dim=1)

    def prepare_targets(self, examples: Split) -> Tensor:
        """``[N, pixels]``, uint8: the loss widens a batch of them."""
        return torch.tensor(examples.inputs).flatten(1)

    def model_arguments(self) -> dict[str, Any]:
        """``pixels`` and ``latent``."""
        return {"pixels": self.dataset.train.inputs[0].size, "latent": self.latent}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The negative lower bound of the log likelihood, nats an image, mean over the batch."""
        return self._bounds(outputs, targets).mean()

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``loss``: the same, added up."""
        return {"loss": self._bounds(outputs, targets).sum()}

    def _bounds(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """``[B, pixels + 2 * latent]`` of a model and ``[B, pixels]`` to ``[B]``.

        What the pixels cost, given the code, and the divergence of the code's distribution from
        the standard normal one.
        """
        logits, mean, log_variance = outputs.split(
            [targets.shape[1], self.latent, self.latent], dim=1
        )
        pixels = targets.to(logits.dtype) / 255
        given = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(dim=1)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
        return given + divergence


def draw_noise(
    latent: int, inputs: Tensor, targets: Tensor, generator: Generator
) -> tuple[Tensor, Tensor]:
    """A training batch with noise of its own; drawn on the CPU, for the same on every device."""
    noise = torch.randn(len(inputs), latent, generator=generator)
    return torch.cat([inputs[:, :-latent], noise.to(inputs.device)], dim=1), targets
