"""Evaluation of a whole split: exact sums over batches, then metrics from the sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from tasks.base import Task

MAX_EXAMPLES, MIN_EXAMPLES, MAX_TARGETS = 256, 16, 4096
"""Most and fewest examples of a forward pass, and the most targets of all of them together.

Larger passes leave the processor's caches: a nano-GPT and a Transformer took twice as long.
"""
GPU_FACTOR = 16
"""A GPU is idle with so few examples; it gets this many times more."""


Convert = Callable[[Tensor], Tensor]
"""Conversion of inputs or targets to the precision of a trial; whole numbers stay."""


def keep(tensor: Tensor) -> Tensor:
    """Return the tensor itself, for 32 bits."""
    return tensor


def evaluate(
    task: Task, model: nn.Module, split: str, device: torch.device, convert: Convert = keep
) -> dict[str, float]:
    """Measure a model in evaluation mode; the metrics are named ``<split>/<metric>``."""
    was_training = model.training
    model.eval()
    metrics = measure_split(task, model, split, device, convert)
    model.train(was_training)
    return {f"{split}/{name}": value for name, value in metrics.items()}


@torch.no_grad()
def measure_split(
    task: Task,
    outputs: Callable[[Tensor], Tensor],
    split: str,
    device: torch.device,
    convert: Convert = keep,
) -> dict[str, float]:
    """Measure the task's metrics over a split, by name, of any function from inputs to outputs.

    Sums are float64: the size of a pass does not show in the digits that are reported.
    """
    inputs, targets = task.tensors(split, device)
    size = choose_batch_size(task, device)
    parts = (slice(start, start + size) for start in range(0, len(targets), size))
    totals = add_sums(
        task.sums(outputs(convert(inputs[part])), convert(targets[part])) for part in parts
    )
    return {name: float(value) for name, value in task.metrics(totals, len(targets)).items()}


def choose_batch_size(task: Task, device: torch.device) -> int:
    """Choose how many examples to evaluate at once: fewer with many targets, more on a GPU."""
    targets = math.prod(task.dataset.val.targets.shape[1:])  # of one example
    factor = 1 if device.type == "cpu" else GPU_FACTOR
    return factor * min(MAX_EXAMPLES, max(MIN_EXAMPLES, MAX_TARGETS // max(1, targets)))


def add_sums(sums: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Add a task's sums over batches in float64."""
    totals: dict[str, Tensor] = {}
    for batch in sums:
        for name, value in batch.items():
            totals[name] = totals.get(name, 0.0) + value.double()
    return totals
