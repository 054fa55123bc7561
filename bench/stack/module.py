"""The Lightning module that trains the trials of a stack together, and their batches."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import accumulate, islice

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.runtime.guard import guard
from bench.stack.cuda_graph import CudaGraphFunction
from bench.stack.model import Gradients, StackedModel, clip_slices
from bench.stack.optimizers import (
    FusedTrials,
    SeparateTrials,
    StackedTrial,
    are_all_fused,
    group_trials,
)
from bench.stack.threads import ThreadTuner
from bench.trial.batches import Batches
from bench.trial.evaluation import choose_batch_size, evaluate
from bench.trial.module import LeanModule
from bench.trial.update import use_evaluation_parameters
from tasks.base import Rows, Task


class StackBatches:
    """The batches of K trials, step by step: inputs ``[K, B, ...]`` and targets ``[K, B]``.

    Each trial gets the batches that it gets alone; trials of one seed share them.
    """

    def __init__(self, task: Task, device: torch.device, trials: Sequence[StackedTrial]) -> None:
        self.inputs, self.targets = task.tensors("train", device)
        first = trials[0].spec
        seeds = sorted({trial.spec.seed for trial in trials})
        self.steps, self._augmented = first.budget.steps, task.augment is not None
        self._orders = [
            Batches.from_spec(replace(first, seed=seed), task, device) for seed in seeds
        ]
        index = [seeds.index(trial.spec.seed) for trial in trials]
        self._order_index = torch.tensor(index, device=device)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if not self._augmented:
            yield from map(self.gather, islice(self._iterate_rows(), self.steps))
            return
        for batches in zip(*self._orders, strict=True):
            inputs, targets = (self._gather_shared(parts) for parts in zip(*batches, strict=True))
            yield inputs, targets

    @guard
    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Gather the examples of one step by each trial's indices, ``[K, B]``."""
        return _gather_examples(self.inputs, rows), self.targets[rows]

    def _iterate_rows(self) -> Iterator[Tensor]:
        """Yield the indices of each step; they are copied to the device once an epoch."""
        for epoch in zip(*(order.iterate_epochs() for order in self._orders), strict=True):
            yield from torch.stack(epoch)[self._order_index].unbind(dim=1)

    def _gather_shared(self, parts: Sequence[Tensor]) -> Tensor:
        """Gather each trial's part, ``[K, B, ...]``, from one per seed, ``[B, ...]``."""
        size = len(parts[0])
        within = torch.arange(size, device=parts[0].device)
        return _gather_examples(torch.cat(tuple(parts)), self._order_index[:, None] * size + within)


def _take_examples(task: Task, trials: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Take two examples for each trial."""
    inputs, targets = task.tensors("train", device)
    rows = torch.arange(2 * trials, device=device).view(trials, 2) % len(targets)
    return _gather_examples(inputs, rows), targets[rows]


def _gather_examples(inputs: Rows, rows: Tensor) -> Tensor:
    """Gather examples ``[K, B, ...]`` by indices ``[K, B]`` as one batch, to keep its layout."""
    return inputs[rows.flatten()].unflatten(0, rows.shape)


class StackModule(LeanModule):
    """K models with one forward and backward pass; each has its own optimizer, data order and end.

    Args:
        trials: in the order of ``sort_by_fusion``, on one device.
        threads: CPU threads, at most.

    Attributes:
        evaluation_batch: examples of an evaluation pass, the same for all trials.
    """

    def __init__(self, task: Task, trials: Sequence[StackedTrial], threads: int = 1) -> None:
        super().__init__()
        self.trials = list(trials)
        self.states = [trial.state for trial in trials]
        self.model = StackedModel([trial.model for trial in trials], task)
        device = next(trials[0].model.parameters()).device
        if are_all_fused(trials):  # another optimizer may want to view its parameters as vectors
            self.model.lay_out(*_take_examples(task, len(trials), device))
        self.groups = group_trials(trials, self.model)
        sizes = [group.size for group in self.groups]
        self._group_ends = list(accumulate(sizes))
        norms = [trial.spec.optimizer.clip_norm or math.inf for trial in trials]
        self._norms = torch.tensor(norms, device=device) if min(norms) < math.inf else None
        self._steps = 0
        self._advance = CudaGraphFunction(self.advance) if device.type == "cuda" else self.advance
        self._tuner = ThreadTuner(threads if device.type == "cpu" else 1)
        # as many activations as a trial alone has, or what a training step takes without its graph
        self.evaluation_batch = max(
            choose_batch_size(task, device) // len(trials), 4 * trials[0].spec.batch_size
        )

    def configure_optimizers(self) -> list[Optimizer]:
        return [group.optimizer for group in self.groups if isinstance(group, FusedTrials)] + [
            trial.optimizer
            for group in self.groups
            if isinstance(group, SeparateTrials)
            for trial in group.trials
        ]

    def train_on(self, inputs: Tensor, targets: Tensor) -> None:
        """Make one step of every trial, on ``[K, B, ...]`` and ``[K, B]``."""
        began = time.perf_counter()
        losses, gradients = self._advance(inputs, targets)
        for group in self.groups:
            if isinstance(group, SeparateTrials):
                group.step(gradients)
        self._steps += 1
        self.losses.append(losses.clone())
        self._tuner.record_step(time.perf_counter() - began)

    def advance(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Gradients]:
        """Compute all losses ``[K]`` and gradients, and make the fused updates."""
        losses = self.model.compute_losses(inputs, targets)
        gradients = self.model.compute_gradients(losses)
        if self._norms is not None:
            clip_slices(gradients, self._norms)
        for group in self.groups:
            if isinstance(group, FusedTrials):
                group.step(gradients)
        return losses.detach(), gradients

    def count_gradients(self, steps: int) -> int:
        """Return ``steps``: an optimizer that takes more gradients is never stacked."""
        return steps

    def has_finite_parameters(self) -> Tensor:
        return self.model.has_finite_parameters()

    @guard
    def measure(self, split: str) -> dict[str, Tensor]:
        return self.model.evaluate(split, self.device, self.evaluation_batch)

    @guard
    def measure_trial(self, slot: int, split: str) -> dict[str, float]:
        trial = self.trials[slot]
        with use_evaluation_parameters(trial.optimizer, trial.spec.optimizer.needs):
            return evaluate(self.model.task, trial.model, split, self.device)

    def count_examples(self, split: str) -> int:
        return len(self.model.task.tensors(split, self.device)[1])

    @contextmanager
    def use_evaluation_parameters(self) -> Iterator[None]:
        with ExitStack() as stack:
            for trial in self.trials:
                if trial.state.is_training:
                    stack.enter_context(
                        use_evaluation_parameters(trial.optimizer, trial.spec.optimizer.needs)
                    )
            yield

    def get_learning_rate(self, slot: int) -> float:
        group = next(g for g, end in zip(self.groups, self._group_ends, strict=True) if slot < end)
        return group.get_learning_rate(slot, self._steps)
