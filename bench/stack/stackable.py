"""Which trials can be stacked: by what their optimizer needs, and by trying their model.

No list of layers is kept. Two models of different seeds are stacked, fed four examples each, and
compared with themselves one by one; what ``vmap`` refuses or computes otherwise is found there.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from bench.build import components
from bench.runtime.lightning import pl
from bench.spec import TrialSpec
from bench.spec.errors import NOT_THEIRS, said
from bench.spec.needs import NEEDS
from bench.stack.model import StackedModel
from bench.trial.trainer import make_trainer
from bench.trial.update import statistics_of
from tasks.base import Task

_VERDICTS: dict[str, str] = {}


def why_not(spec: TrialSpec) -> str:
    """Why a trial must run alone, in words that end a line; empty if it can be stacked."""
    needs = [need for need in spec.optimizer.needs if not NEEDS[need].stacks]
    if needs:
        return f"{spec.optimizer.name} needs {', '.join(needs)}"
    if not spec.optimizer.stacks:
        return f"{spec.optimizer.name} computes in few digits (stacks: false)"
    if spec.precision != "32-true":
        return f"precision {spec.precision}: a stack computes in 32-true"
    key = repr((spec.task, spec.model, spec.context.hardware.accelerator))
    if key not in _VERDICTS:
        _VERDICTS[key] = _refusal(spec)
    moves = "eval_mode" in spec.optimizer.needs
    if moves and not _VERDICTS[key] and statistics_of(_model(spec, components.task_of(spec), 0)):
        return f"{spec.model.name} has running statistics to take anew at each evaluation"
    return _VERDICTS[key]


def _refusal(spec: TrialSpec) -> str:
    """Empty if two models compute together what each computes alone."""
    task = components.task_of(spec)
    device = make_trainer(spec).strategy.root_device  # vmap has rules for each of them
    examples, labels = task.tensors("train", device)
    rows = torch.arange(8).view(2, 4) % len(labels)  # a landscape has one
    inputs, targets = examples[rows], labels[rows]
    models = [_model(spec, task, seed).to(device) for seed in (0, 1)]
    try:
        with warnings.catch_warnings():
            # vmap falls back to a loop, with a warning, where it has no rule for an operation
            warnings.filterwarnings("error", message=".*batching rule.*")
            together = _together(task, models, inputs, targets)
    except NOT_THEIRS:
        raise
    except BaseException as error:
        words = str(error).strip().split("\n", maxsplit=1)[0] or said(error)
        return f"{spec.model.name} does not run under vmap ({words})"
    for at, model in enumerate(models):
        alone = _alone(task, model, inputs[at], targets[at])
        for name, expected in alone.items():
            if not _equal(expected, together[at][name]):
                again = _alone(task, model, inputs[at], targets[at])
                if _equal(expected, again[name]):  # else dropout made it another one
                    return f"{spec.model.name} computes another {name} under vmap"
    return ""


def _model(spec: TrialSpec, task: Task, seed: int) -> nn.Module:
    pl.seed_everything(seed, verbose=False)
    return components.model(spec.model, task)


def _alone(task: Task, model: nn.Module, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Metrics in evaluation mode, then what a training step computes; each one long vector."""
    model = copy.deepcopy(model)
    model.eval()
    with torch.no_grad():
        sums = task.sums(model(inputs), targets)
        measured = [*sums.values(), *task.metrics(_double(sums), len(targets)).values()]
    model.train()
    loss = task.loss(model(inputs), targets)
    trained = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    return _named(measured, loss, gradients, model.buffers())


def _together(
    task: Task, models: Sequence[nn.Module], inputs: Tensor, targets: Tensor
) -> list[dict[str, Tensor]]:
    """The same from a stack, model by model."""
    stacked = StackedModel(copy.deepcopy(list(models)), task)
    sums = [stacked.sums(x, y) for x, y in zip(inputs, targets, strict=True)]
    metrics = [stacked.metrics(_double(one), len(y)) for one, y in zip(sums, targets, strict=True)]
    losses = stacked.losses(inputs, targets)
    gradients = stacked.gradients(losses).values()
    buffers = [stacked.slices(name) for name, _ in models[0].named_buffers()]
    return [
        _named(
            [value[at] for value in (*sums[at].values(), *metrics[at].values())],
            losses[at],
            [None if g is None else g[at] for g in gradients],
            [buffer[at] for buffer in buffers],
        )
        for at in range(len(models))
    ]


def _double(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.double() for name, value in sums.items()}


def _named(
    sums: Iterable[Tensor],
    loss: Tensor,
    gradients: Iterable[Tensor | None],
    buffers: Iterable[Tensor],
) -> dict[str, Tensor]:
    found = [gradient for gradient in gradients if gradient is not None]
    parts = {"evaluation": sums, "loss": [loss], "gradient": found, "buffers": buffers}
    empty = torch.empty(0, dtype=torch.float64)
    return {
        name: torch.cat([empty, *(t.detach().double().flatten().cpu() for t in tensors)])
        for name, tensors in parts.items()
    }


def _equal(first: Tensor, second: Tensor) -> bool:
    """Up to rounding, which normalising over few examples can blow up; wrong is far off."""
    if first.shape != second.shape:
        return False
    return bool((first - second).norm() <= 1e-2 * first.norm())
