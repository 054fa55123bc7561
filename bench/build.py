"""From specs to live objects: data, task, model, optimizer, schedule.

The only file that instantiates anything, and so the only one that has to say which YAML a wrong
argument came from. torch arrives with the targets: checking a config does not import it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from bench.param_groups import RULES
from bench.spec import Component, OptimizerSpec, RefusedInput, TaskSpec, TrialSpec
from tasks.data.dataset import Dataset, MissingData

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LambdaLR

    from tasks.base import Task

NEEDS = ("closure",)
"""What an optimizer may declare: ``closure``, its step reevaluates the loss itself."""


def dataset(task: str, data: Component, data_dir: str, download: bool) -> Dataset:
    """The examples of a task; loaded once a process.

    Raises:
        RefusedInput: the data is not there; says what to do.
    """
    return _load(task, data.target, json.dumps(data.arguments), data_dir, download)


@lru_cache(maxsize=4)
def _load(task: str, target: str, arguments: str, data_dir: str, download: bool) -> Dataset:
    loader = Component(task, target, json.loads(arguments))
    try:
        return _instantiate("task", loader, data_dir=data_dir, download=download)
    except MissingData as error:
        raise RefusedInput(str(error)) from error


def task(spec: TaskSpec, data: Dataset) -> Task:
    """The task over its data; one object a process, so that trials share its tensors."""
    return _task(spec.name, spec.target, data)


@lru_cache(maxsize=2)
def _task(name: str, target: str, data: Dataset) -> Task:
    return _instantiate("task", Component(name, target), data)


def model(spec: Component, task: Task) -> nn.Module:
    """A freshly initialised model for the task's shapes, from torch's global random state."""
    return _instantiate("model", spec, **task.model_arguments())


def optimizer(spec: OptimizerSpec, model: nn.Module) -> Optimizer:
    """The optimizer over the model's parameter groups."""
    return _instantiate("optimizer", spec, RULES[spec.param_groups](model))


def scheduler(spec: Component, optimizer: Optimizer, steps: int) -> LambdaLR | None:
    """The schedule, stepped once a training step; None for a learning rate that never moves."""
    from torch.optim.lr_scheduler import LambdaLR

    factor = _instantiate("schedule", spec, steps)
    if all(factor(step) == 1.0 for step in range(steps)):
        return None
    return LambdaLR(optimizer, factor)


def check(specs: Iterable[TrialSpec]) -> None:
    """Build every distinct combination once and feed it two examples, before anything trains.

    Raises:
        RefusedInput: something cannot be built, or the task does not measure its target metric.
    """
    models: dict[str, nn.Module] = {}
    seen = set()
    for spec in specs:
        parts = (spec.task, spec.model, spec.optimizer, spec.schedule, spec.budget.steps)
        if (key := repr(parts)) in seen:
            continue
        seen.add(key)
        data = dataset(spec.task.name, spec.task.data, spec.data_dir, spec.download)
        fit = repr((spec.task, spec.model))
        if fit not in models:
            models[fit] = _checked_model(spec, task(spec.task, data))
        scheduler(spec.schedule, optimizer(spec.optimizer, models[fit]), spec.budget.steps)


def _checked_model(spec: TrialSpec, task: Task) -> nn.Module:
    import torch

    built = model(spec.model, task)
    inputs, targets = (part[:2] for part in task.tensors("val", torch.device("cpu")))
    with torch.no_grad():
        metrics = task.sums(built(inputs), targets)
    wanted = spec.task.target_metric.metric
    if wanted not in metrics:
        raise RefusedInput(
            f"conf/task/{spec.task.name}.yaml: task.metric: {wanted!r} is not measured; "
            f"{spec.task.target} measures {', '.join(sorted(metrics))}"
        )
    return built


def _instantiate(group: str, spec: Component, *args: Any, **kwargs: Any) -> Any:
    """Call the target. A wrong argument is refused with the file it stands in."""
    try:
        make = instantiate(
            {"_target_": spec.target, "_partial_": True, "_convert_": "all", **spec.arguments}
        )
        return make(*args, **kwargs)
    except (InstantiationException, TypeError, ValueError) as error:
        if isinstance(error, RefusedInput):
            raise
        cause = str(error).split("\n", maxsplit=1)[0]
        raise RefusedInput(
            f"conf/{group}/{spec.name}.yaml: cannot build {spec.target}: {cause}"
        ) from error
