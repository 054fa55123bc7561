"""Batches of a data set, gathered by index in an order that only the seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import torch
from torch import Tensor

from bench.runtime.guard import guard
from bench.spec import TrialSpec
from bench.trial.prefetch import prefetch_batches
from tasks.augment.augmentation import Augment
from tasks.base import Rows, Task
from tasks.stored import Stored

AUGMENTATION_SEED = 1 << 40
"""An offset of the trial's seed for augmentation, whose draws must not change the order."""


class Batches:
    """``steps`` batches of ``batch_size`` examples, a new permutation of the split each epoch.

    The last, smaller batch of an epoch is left out, so that every step has the same noise. The
    order comes from a separate generator: no optimizer, model or device can change it.

    Args:
        inputs: [N, ...] on the training device, or rows that are read from disk for it.
        targets: [N, ...] likewise.
        augment: applied to each batch.
        workers: processes that read ahead from disk; 0: this process reads.
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
    def from_spec(cls, spec: TrialSpec, task: Task, device: torch.device) -> Batches:
        """Make the batches that a trial trains on."""
        inputs, targets = task.tensors("train", device)
        steps, workers = spec.budget.steps, spec.context.hardware.workers
        return cls(inputs, targets, spec.batch_size, steps, spec.seed, task.augment, workers)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.workers and isinstance(self.inputs, Stored) and isinstance(self.targets, Stored):
            pairs = prefetch_batches(
                self.inputs, self.targets, self.iterate_indices(), self.workers
            )
        else:
            pairs = map(self._take, self.iterate_indices())
        generator = torch.Generator().manual_seed(AUGMENTATION_SEED + self.seed)
        for inputs, targets in pairs:
            yield self._augment(inputs, targets, generator) if self.augment else (inputs, targets)

    @guard
    def _take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.inputs[rows], self.targets[rows]

    @guard
    def _augment(
        self, inputs: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        assert self.augment is not None
        return self.augment(inputs, targets, generator)

    def iterate_indices(self) -> Iterator[Tensor]:
        """Yield the indices of each batch, [batch_size]."""
        return islice(chain.from_iterable(self.iterate_epochs()), self.steps)

    def iterate_epochs(self) -> Iterator[Tensor]:
        """Yield the indices of each epoch's batches, [batches, batch_size]."""
        generator = torch.Generator().manual_seed(self.seed)
        per_epoch = len(self.targets) // self.batch_size
        while True:
            order = torch.randperm(len(self.targets), generator=generator)
            order = order[: per_epoch * self.batch_size].to(self.targets.device)
            yield order.view(per_epoch, self.batch_size)
