"""A test of whether a trial can be stacked, by its optimizer's needs and by trying its model.

There is no list of layers. Two models of different seeds are stacked, fed four examples each, and
compared with themselves one by one. That finds all that ``vmap`` refuses or computes otherwise.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from bench.build import components
from bench.runtime.guard import raise_stop
from bench.runtime.isolation import isolate
from bench.runtime.lightning import pl
from bench.spec import TrialSpec
from bench.spec.errors import describe_error
from bench.spec.needs import NEEDS
from bench.stack.hidden_state import find_hidden_state
from bench.stack.model import StackedModel
from bench.trial.trainer import make_trainer
from bench.trial.update import find_statistics_layers
from tasks.base import Task

_REASONS: dict[str, str] = {}


def explain_unstackable(spec: TrialSpec) -> str:
    """Explain why a trial must run alone; empty if it can be stacked."""
    needs = [need for need in spec.optimizer.needs if not NEEDS[need].stacks]
    if needs:
        return f"{spec.optimizer.name} needs {', '.join(needs)}"
    if not spec.optimizer.stacks:
        return f"{spec.optimizer.name} computes in few digits (stacks: false)"
    if spec.precision != "32-true":
        return f"precision {spec.precision}: a stack computes in 32-true"
    key = repr((spec.task, spec.model, spec.context.hardware.accelerator))
    if key not in _REASONS:
        with isolate(threads=1):  # sums by several threads differ by more than vmap may
            _REASONS[key] = _explain_mismatch(spec)
    if "eval_mode" in spec.optimizer.needs and not _REASONS[key]:
        model = _build_model(spec, components.load_task(spec), 0)
        if find_statistics_layers(model):
            return f"{spec.model.name} has running statistics to take anew at each evaluation"
    return _REASONS[key]


def _explain_mismatch(spec: TrialSpec) -> str:
    """Explain how two models compute together other than alone; empty if they do not."""
    task = components.load_task(spec)
    device = make_trainer(spec).strategy.root_device  # vmap's rules differ between devices
    models = [_build_model(spec, task, seed) for seed in (0, 1)]
    try:
        return _compare(spec.model.name, task, [model.to(device) for model in models], device)
    except BaseException as error:  # it will say itself what is wrong, where it trains alone
        raise_stop(error)
        message = str(error).strip().split("\n", maxsplit=1)[0] or describe_error(error)
        return f"{spec.model.name} does not run under vmap ({message})"


def _compare(name: str, task: Task, models: Sequence[nn.Module], device: torch.device) -> str:
    examples, labels = task.tensors("train", device)
    rows = torch.arange(8).view(2, 4) % len(labels)  # a landscape has one
    inputs, targets = examples[rows], labels[rows]
    with warnings.catch_warnings():
        # vmap falls back to a loop, with a warning, where it has no rule for an operation
        warnings.filterwarnings("error", message=".*batching rule.*")
        together = _compute_stacked(task, models, inputs, targets)
    for at, model in enumerate(models):
        alone = _compute_alone(task, model, inputs[at], targets[at])
        for part, expected in alone.items():
            if not _is_close(expected, together[at][part]):
                again = _compute_alone(task, model, inputs[at], targets[at])
                if _is_close(expected, again[part]):  # else dropout made it another one
                    return f"{name} computes another {part} under vmap"
    hidden = find_hidden_state(
        task, models[0], partial(_run_passes, task, models[0], inputs[0], targets[0])
    )
    return f"{name} changes {hidden} in a forward pass, which a stack has once" if hidden else ""


def _run_passes(task: Task, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Make one pass in evaluation and one in training; return the loss of the latter."""
    model.eval()
    with torch.no_grad():
        task.metrics(_to_double(task.sums(model(inputs), targets)), len(targets))
    model.train()
    if task.augment is not None:
        task.augment(inputs, targets, torch.Generator().manual_seed(0))
    return task.loss(model(inputs), targets)


def _build_model(spec: TrialSpec, task: Task, seed: int) -> nn.Module:
    pl.seed_everything(seed, verbose=False)
    return components.build_model(spec.model, task)


def _compute_alone(
    task: Task, model: nn.Module, inputs: Tensor, targets: Tensor
) -> dict[str, Tensor]:
    """Compute metrics in evaluation mode and one training step; each result as a vector."""
    model = copy.deepcopy(model)
    model.eval()
    with torch.no_grad():
        sums = task.sums(model(inputs), targets)
        measured = [*sums.values(), *task.metrics(_to_double(sums), len(targets)).values()]
    model.train()
    loss = task.loss(model(inputs), targets)
    trained = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    return _flatten_parts(measured, loss, gradients, model.buffers())


def _compute_stacked(
    task: Task, models: Sequence[nn.Module], inputs: Tensor, targets: Tensor
) -> list[dict[str, Tensor]]:
    """Compute the same in a stack, model by model."""
    stacked = StackedModel(copy.deepcopy(list(models)), task)
    sums = [stacked.compute_sums(x, y) for x, y in zip(inputs, targets, strict=True)]
    metrics = [
        stacked.compute_metrics(_to_double(one), len(y))
        for one, y in zip(sums, targets, strict=True)
    ]
    losses = stacked.compute_losses(inputs, targets)
    gradients = stacked.compute_gradients(losses).values()
    buffers = [stacked.get_slices(name) for name, _ in models[0].named_buffers()]
    return [
        _flatten_parts(
            [value[at] for value in (*sums[at].values(), *metrics[at].values())],
            losses[at],
            [None if g is None else g[at] for g in gradients],
            [buffer[at] for buffer in buffers],
        )
        for at in range(len(models))
    ]


def _to_double(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.double() for name, value in sums.items()}


def _flatten_parts(
    sums: Iterable[Tensor],
    loss: Tensor,
    gradients: Iterable[Tensor | None],
    buffers: Iterable[Tensor],
) -> dict[str, Tensor]:
    present = [gradient for gradient in gradients if gradient is not None]
    parts = {"evaluation": sums, "loss": [loss], "gradient": present, "buffers": buffers}
    empty = torch.empty(0, dtype=torch.float64)
    return {
        name: torch.cat([empty, *(t.detach().double().flatten().cpu() for t in tensors)])
        for name, tensors in parts.items()
    }


def _is_close(first: Tensor, second: Tensor) -> bool:
    """Compare up to rounding, which normalising over few examples can blow up."""
    if first.shape != second.shape:
        return False
    return bool((first - second).norm() <= 1e-2 * first.norm())
