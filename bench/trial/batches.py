"""Batches of an in-memory data set: index gathers in an order that the seed alone decides."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """``steps`` batches of ``batch_size`` examples, a new permutation of the split each epoch.

    The last, smaller batch of an epoch is left out, so that every step has the same noise. The
    order comes from a generator of its own: no optimizer, model or device can change it.

    Args:
        inputs: [N, ...] on the training device.
        targets: [N] on the training device.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, batch_size: int, steps: int, seed: int
    ) -> None:
        self.inputs, self.targets = inputs, targets
        self.batch_size, self.steps, self.seed = batch_size, steps, seed

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in self.rows():
            yield self.inputs[rows], self.targets[rows]

    def rows(self) -> Iterator[Tensor]:
        """The indices of each batch, shape [batch_size]."""
        generator = torch.Generator().manual_seed(self.seed)
        per_epoch = len(self.targets) // self.batch_size
        for step in range(self.steps):
            at = step % per_epoch
            if at == 0:
                order = torch.randperm(len(self.targets), generator=generator)
                order = order[: per_epoch * self.batch_size].to(self.targets.device)
                epoch = order.view(per_epoch, self.batch_size)
            yield epoch[at]
