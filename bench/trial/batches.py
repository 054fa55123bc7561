"""Batches of a data set: gathers by index, in an order that the seed alone decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import torch
from torch import Tensor

from bench.spec import TrialSpec
from bench.trial.prefetch import read_ahead
from tasks.augment.augmentation import Augment
from tasks.base import Rows, Task
from tasks.stored import Stored

AUGMENTATION = 1 << 40
"""Added to a trial's seed for the draws of its augmentation, which leave the order alone."""


class Batches:
    """``steps`` batches of ``batch_size`` examples, a new permutation of the split each epoch.

    The last, smaller batch of an epoch is left out, so that every step has the same noise. The
    order comes from a generator of its own: no optimizer, model or device can change it.

    Args:
        inputs: [N, ...] on the training device, or rows that are read from disk for it.
        targets: [N, ...] likewise.
        augment: what happens to a batch before the model sees it.
        workers: processes that read ahead what lies on disk; 0: this one reads it.
    """

    def __init__(
        self,
        inputs: Rows,
        targets: Rows,
        batch_size: int,
        steps: int,
        seed: int,
        augment: Augment | None = None,
        workers: int = 0,
    ) -> None:
        self.inputs, self.targets, self.workers = inputs, targets, workers
        self.batch_size, self.steps, self.seed, self.augment = batch_size, steps, seed, augment

    @classmethod
    def of(cls, spec: TrialSpec, task: Task, device: torch.device) -> Batches:
        """What one trial trains on."""
        inputs, targets = task.tensors("train", device)
        steps, workers = spec.budget.steps, spec.context.hardware.workers
        return cls(inputs, targets, spec.batch_size, steps, spec.seed, task.augment, workers)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.workers and isinstance(self.inputs, Stored) and isinstance(self.targets, Stored):
            pairs = read_ahead(self.inputs, self.targets, self.rows(), self.workers)
        else:
            pairs = ((self.inputs[rows], self.targets[rows]) for rows in self.rows())
        generator = torch.Generator().manual_seed(AUGMENTATION + self.seed)
        for inputs, targets in pairs:
            yield self.augment(inputs, targets, generator) if self.augment else (inputs, targets)

    def rows(self) -> Iterator[Tensor]:
        """The indices of each batch, shape [batch_size]."""
        return islice(chain.from_iterable(self.epochs()), self.steps)

    def epochs(self) -> Iterator[Tensor]:
        """The indices of each batch of an epoch, [batches, batch_size]; one epoch after another."""
        generator = torch.Generator().manual_seed(self.seed)
        per_epoch = len(self.targets) // self.batch_size
        while True:
            order = torch.randperm(len(self.targets), generator=generator)
            order = order[: per_epoch * self.batch_size].to(self.targets.device)
            yield order.view(per_epoch, self.batch_size)
