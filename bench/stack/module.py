"""``StackModule``: the trials of a stack, trained together. Its training step exists once, here."""

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

from bench.stack.cuda_graph import Captured
from bench.stack.model import Gradients, StackedModel, clip_slices
from bench.stack.optimizers import Fused, Individuals, StackedTrial, all_fused, optimizers
from bench.stack.threads import Threads
from bench.trial.batches import Batches
from bench.trial.evaluation import a_pass, evaluate
from bench.trial.module import LeanModule
from bench.trial.update import averaged
from tasks.base import Rows, Task


class StackBatches:
    """The batches of K trials, step by step: inputs ``[K, B, ...]`` and targets ``[K, B]``.

    Each trial's are those that ``Batches`` gives it alone; trials of one seed share them.
    """

    def __init__(self, task: Task, device: torch.device, trials: Sequence[StackedTrial]) -> None:
        self.inputs, self.targets = task.tensors("train", device)
        first = trials[0].spec
        seeds = sorted({trial.spec.seed for trial in trials})
        self.steps, self._augmented = first.budget.steps, task.augment is not None
        self._orders = [Batches.of(replace(first, seed=seed), task, device) for seed in seeds]
        places = [seeds.index(trial.spec.seed) for trial in trials]
        self._places = torch.tensor(places, device=device)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if not self._augmented:
            yield from map(self.gather, islice(self._rows(), self.steps))
            return
        for batches in zip(*self._orders, strict=True):
            inputs, targets = (self._shared(parts) for parts in zip(*batches, strict=True))
            yield inputs, targets

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The examples of one step by each trial's indices, ``[K, B]``."""
        return _as_one(self.inputs, rows), self.targets[rows]

    def _rows(self) -> Iterator[Tensor]:
        """The indices of each step; copied to the device once an epoch."""
        for epoch in zip(*(order.epochs() for order in self._orders), strict=True):
            yield from torch.stack(epoch)[self._places].unbind(dim=1)

    def _shared(self, parts: Sequence[Tensor]) -> Tensor:
        """Each trial's part, ``[K, B, ...]``, of those of each seed, ``[B, ...]``."""
        size = len(parts[0])
        within = torch.arange(size, device=parts[0].device)
        return _as_one(torch.cat(tuple(parts)), self._places[:, None] * size + within)


def _some(task: Task, trials: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two examples for each trial."""
    inputs, targets = task.tensors("train", device)
    rows = torch.arange(2 * trials, device=device).view(trials, 2) % len(targets)
    return _as_one(inputs, rows), targets[rows]


def _as_one(inputs: Rows, rows: Tensor) -> Tensor:
    """Examples ``[K, B, ...]`` by indices ``[K, B]``, in the memory order of images.

    They are gathered as one long batch, which keeps it.
    """
    return inputs[rows.flatten()].unflatten(0, rows.shape)


class StackModule(LeanModule):
    """K models, each with its own optimizer, data order and end; one forward and backward pass.

    Args:
        trials: ``in_order``; built, on one device.
        threads: of the CPU, at most.

    Attributes:
        evaluation_batch: examples that all trials are evaluated on at once.
    """

    def __init__(self, task: Task, trials: Sequence[StackedTrial], threads: int = 1) -> None:
        super().__init__()
        self.trials = list(trials)
        self.courses = [trial.course for trial in trials]
        self.model = StackedModel([trial.model for trial in trials], task)
        device = next(trials[0].model.parameters()).device
        if all_fused(trials):  # an optimizer of its own may want to view its parameters as vectors
            self.model.lay_out(*_some(task, len(trials), device))
        self.parts = optimizers(trials, self.model)
        sizes = [part.size for part in self.parts]
        self._ends = list(accumulate(sizes))
        norms = [trial.spec.optimizer.clip_norm or math.inf for trial in trials]
        self._norms = torch.tensor(norms, device=device) if min(norms) < math.inf else None
        self._steps = 0
        self._advance = Captured(self.advance) if device.type == "cuda" else self.advance
        self._threads = Threads(threads if device.type == "cpu" else 1)
        # as many activations as a trial alone has, or what a training step takes without its graph
        self.evaluation_batch = max(
            a_pass(task, device) // len(trials), 4 * trials[0].spec.batch_size
        )

    def configure_optimizers(self) -> list[Optimizer]:
        return [part.optimizer for part in self.parts if isinstance(part, Fused)] + [
            trial.optimizer
            for part in self.parts
            if isinstance(part, Individuals)
            for trial in part.trials
        ]

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Losses, gradients, updates, schedules; ``batch`` is ``[K, B, ...]`` and ``[K, B]``."""
        began = time.perf_counter()
        losses, gradients = self._advance(*batch)
        for part in self.parts:
            if isinstance(part, Individuals):
                part.step(gradients)
        self._steps += 1
        self.losses.append(losses.clone())
        self._threads.step(time.perf_counter() - began)

    def advance(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Gradients]:
        """What all trials do as one: their losses ``[K]``, gradients and fused updates."""
        losses = self.model.losses(inputs, targets)
        gradients = self.model.gradients(losses)
        if self._norms is not None:
            clip_slices(gradients, self._norms)
        for part in self.parts:
            if isinstance(part, Fused):
                part.step(gradients)
        return losses.detach(), gradients

    def gradients(self, steps: int) -> int:
        """What needs another gradient is never stacked."""
        return steps

    def finite_parameters(self) -> Tensor:
        return self.model.finite_parameters()

    def measure(self, split: str) -> dict[str, Tensor]:
        return self.model.evaluate(split, self.device, self.evaluation_batch)

    def measure_one(self, slot: int, split: str) -> dict[str, float]:
        trial = self.trials[slot]
        with averaged(trial.optimizer, trial.spec.optimizer.needs):
            return evaluate(self.model.task, trial.model, split, self.device)

    def examples(self, split: str) -> int:
        return len(self.model.task.tensors(split, self.device)[1])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        with ExitStack() as stack:
            for trial in self.trials:
                if trial.course.live:
                    stack.enter_context(averaged(trial.optimizer, trial.spec.optimizer.needs))
            yield

    def rate(self, slot: int) -> float:
        part = next(part for part, end in zip(self.parts, self._ends, strict=True) if slot < end)
        return part.rate(slot, self._steps)
