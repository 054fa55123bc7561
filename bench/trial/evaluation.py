"""Evaluation of a whole split: exact sums, and metrics from them once at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from tasks.base import Task

BATCH = 1024
"""Examples a forward pass; sums are exact, so it moves memory and not results."""


@torch.no_grad()
def evaluate(task: Task, model: nn.Module, split: str, device: torch.device) -> dict[str, float]:
    """The task's metrics over a split, named ``<split>/<metric>``.

    The model is left in the mode it came in. Sums are float64: the batch size of evaluation does
    not show in the digits that are reported.
    """
    inputs, targets = task.tensors(split, device)
    was_training = model.training
    model.eval()
    parts = (slice(start, start + BATCH) for start in range(0, len(targets), BATCH))
    totals = added(task.sums(model(inputs[part]), targets[part]) for part in parts)
    model.train(was_training)
    metrics = task.metrics(totals, len(targets))
    return {f"{split}/{name}": float(value) for name, value in metrics.items()}


def added(sums: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """A task's sums over batches, added up in float64."""
    totals: dict[str, Tensor] = {}
    for batch in sums:
        for name, value in batch.items():
            totals[name] = totals.get(name, 0.0) + value.double()
    return totals
