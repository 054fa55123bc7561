"""The bound that a variational autoencoder lowers, its noise, and its model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from tasks.autoencoding import VariationalAutoencoding
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.models.autoencoder import VAE

CPU = torch.device("cpu")
LATENT = 3


def images(count: int, seed: int) -> Split:
    random = np.random.default_rng(seed)
    return Split(random.integers(0, 256, (count, 1, 4, 5), dtype=np.uint8), np.zeros(count, int))


@pytest.fixture
def task() -> VariationalAutoencoding:
    data = Dataset(images(12, 0), images(7, 1), images(6, 2), ("digit",))
    return VariationalAutoencoding(data, latent=LATENT)


def test_the_loss_is_the_negative_bound(task) -> None:
    """Against torch.distributions, with pixels that are black or white."""
    random = torch.Generator().manual_seed(0)
    outputs = torch.randn(5, 20 + 2 * LATENT, generator=random)
    white = torch.rand(5, 20, generator=random) < 0.5
    logits, mean, log_variance = outputs.split([20, LATENT, LATENT], dim=1)
    given = -Bernoulli(logits=logits).log_prob(white.float()).sum(1)
    code = Normal(mean, (log_variance / 2).exp())
    expected = given + kl_divergence(code, Normal(0.0, 1.0)).sum(1)
    pixels = (255 * white).to(torch.uint8)
    torch.testing.assert_close(task.loss(outputs, pixels), expected.mean())
    torch.testing.assert_close(task.sums(outputs, pixels)["loss"], expected.sum())


def test_training_draws_new_noise_and_evaluation_keeps_its_own(task) -> None:
    inputs, targets = task.tensors("train", CPU)
    again = VariationalAutoencoding(task.dataset, latent=LATENT).tensors("train", CPU)[0]
    assert torch.equal(inputs, again)
    changed, same = task.augment(inputs, targets, torch.Generator().manual_seed(4))
    assert torch.equal(changed[:, :20], inputs[:, :20]) and same is targets
    assert (changed[:, 20:] != inputs[:, 20:]).all()
    repeated, _ = task.augment(inputs, targets, torch.Generator().manual_seed(4))
    assert torch.equal(changed, repeated)
    assert torch.equal((255 * inputs[:, :20]).round().to(torch.uint8), targets)


def test_the_model_decodes_its_code_with_the_noise_of_its_input(task) -> None:
    torch.manual_seed(0)
    model = VAE(**task.model_arguments(), hidden=8)
    count = (20 * 8 + 8) + (8 * 6 + 6) + (3 * 8 + 8) + (8 * 20 + 20)
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    inputs, _ = task.tensors("val", CPU)
    logits, mean, log_variance = model(inputs).split([20, LATENT, LATENT], dim=1)
    code = mean + torch.exp(log_variance / 2) * inputs[:, 20:]
    torch.testing.assert_close(logits, model.decoder(code))


def test_images_that_are_no_bytes_are_refused() -> None:
    grey = Split(np.zeros((4, 1, 2, 2), np.float32), np.zeros(4, int))
    with pytest.raises(InvalidData, match="images of float32; uint8, 0 to 255, is needed"):
        VariationalAutoencoding(Dataset(grey, grey, grey, ("digit",)))
