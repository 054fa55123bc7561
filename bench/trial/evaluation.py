"""Evaluation of a whole split: exact sums, and metrics from them once at the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from tasks.base import Task

BATCH, LEAST, TARGETS = 256, 16, 4096
"""Examples a forward pass at most, at least, and what they have to predict together at most.

Larger ones leave the processor's caches: a nano-GPT's and a Transformer's took twice as long.
"""
WIDE = 16
"""Times as many elsewhere: a GPU is idle with so few."""


def evaluate(task: Task, model: nn.Module, split: str, device: torch.device) -> dict[str, float]:
    """The task's metrics over a split, named ``<split>/<metric>``.

    The model is left in the mode it came in.
    """
    was_training = model.training
    model.eval()
    metrics = measured(task, model, split, device)
    model.train(was_training)
    return {f"{split}/{name}": value for name, value in metrics.items()}


@torch.no_grad()
def measured(
    task: Task, outputs: Callable[[Tensor], Tensor], split: str, device: torch.device
) -> dict[str, float]:
    """The task's metrics over a split, by name, of whatever makes outputs of inputs.

    Sums are float64: the size of a pass does not show in the digits that are reported.
    """
    inputs, targets = task.tensors(split, device)
    size = a_pass(task, device)
    parts = (slice(start, start + size) for start in range(0, len(targets), size))
    totals = added(task.sums(outputs(inputs[part]), targets[part]) for part in parts)
    return {name: float(value) for name, value in task.metrics(totals, len(targets)).items()}


def a_pass(task: Task, device: torch.device) -> int:
    """How many examples are evaluated at once: fewer where each has many targets, more on a GPU."""
    each = math.prod(task.dataset.val.targets.shape[1:])
    times = 1 if device.type == "cpu" else WIDE
    return times * min(BATCH, max(LEAST, TARGETS // max(1, each)))


def added(sums: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """A task's sums over batches, added up in float64."""
    totals: dict[str, Tensor] = {}
    for batch in sums:
        for name, value in batch.items():
            totals[name] = totals.get(name, 0.0) + value.double()
    return totals
