"""mixup (arXiv:1710.09412): training on images in between, and on labels in between."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def mix(
    inputs: Tensor, targets: Tensor, alpha: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Each example, and its target, mixed with another one of the batch: a x + (1 - a) x'.

    Args:
        inputs: ``[B, ...]``.
        targets: probabilities of the classes, ``[B, num_classes]``. The cross-entropy of mixed ones
            is the mixed cross-entropy of both labels.
        alpha: a is drawn from Beta(alpha, alpha) for each example: near 0 or 1 where it is small.
        generator: on the CPU; how far it moves depends on B only.

    The authors' code draws one a for a whole batch, their formula one for each pair, as here.
    """
    from scipy.special import betaincinv  # torch's draws from a Beta take no generator

    count = len(inputs)
    uniform = torch.rand(count, generator=generator, dtype=torch.float64)
    share = torch.as_tensor(betaincinv(alpha, alpha, uniform.numpy()), dtype=inputs.dtype)
    share = share.to(inputs.device)
    partner = torch.randperm(count, generator=generator).to(inputs.device)
    return _interpolate(inputs, partner, share), _interpolate(targets, partner, share)


def _interpolate(values: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    share = share.view(-1, *[1] * (values.dim() - 1))
    return values[partner].lerp(values, share)
