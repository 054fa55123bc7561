"""Checks of trials before anything trains: each combination is built once and fed two examples."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from bench.build import components
from bench.build.imports import format_location
from bench.build.param_groups import describe_matrices
from bench.runtime.guard import raise_stop
from bench.runtime.precision import refuse_missing_precision
from bench.runtime.processes import pause_collector
from bench.spec import NotApplicable, RefusedInput, TrialSpec
from bench.spec.errors import describe_error
from bench.spec.names import check_key
from bench.sweeps import progress
from bench.tracking.tags import check_recordable

if TYPE_CHECKING:
    from torch import nn

    from tasks.base import Task


def check_trials(specs: Iterable[TrialSpec]) -> dict[str, str]:
    """Build every distinct combination of the trials once.

    Prints which parameters go where, once a model, for optimizers of hidden matrices.

    Returns:
        By ``config_hash``: why a trial cannot apply. Those are skipped; the others can run.

    Raises:
        RefusedInput: something cannot be built or recorded, or the task does not measure its target
            metric.
    """
    models: dict[str, nn.Module] = {}
    verdicts: dict[str, str] = {}
    skipped: dict[str, str] = {}
    described: set[tuple[str, str]] = set()
    for spec in specs:
        refuse_missing_precision(spec.precision, spec.context.hardware.accelerator)
        with pause_collector():  # torch: only where something is built
            from bench.runtime.isolation import isolate

        fit = repr((spec.task, spec.model))
        if fit not in models:
            with isolate():
                models[fit] = _build_checked_model(spec, components.load_task(spec))
        parts = repr((fit, spec.optimizer, spec.schedule, spec.budget.steps))
        if parts not in verdicts:
            check_recordable(spec)
            with isolate():
                verdicts[parts] = _explain_inapplicable(spec, models[fit])
            uses_matrices = spec.optimizer.param_groups == "matrices" and not verdicts[parts]
            if uses_matrices and (fit, spec.optimizer.name) not in described:
                described.add((fit, spec.optimizer.name))
                names = f"{spec.optimizer.name} on {spec.model.name}"
                progress.say(f"{names}: {describe_matrices(models[fit])}")
        if verdicts[parts]:
            skipped[spec.config_hash] = verdicts[parts]
    return skipped


def _explain_inapplicable(spec: TrialSpec, model: nn.Module) -> str:
    """Explain why the optimizer or schedule does not apply to the model; empty where both do."""
    try:
        components.build_scheduler(spec, components.build_optimizer(spec.optimizer, model))
    except NotApplicable as reason:
        return str(reason)
    return ""


def _build_checked_model(spec: TrialSpec, task: Task) -> nn.Module:
    """Build the model; refuse a task that has odd names for metrics or lacks its target metric."""
    model = components.build_model(spec.model, task)
    try:
        metrics = _measure(task, model)
    except BaseException as error:  # a user's task or model may raise anything
        raise_stop(error)
        raise RefusedInput(
            f"{components.yaml_path('model', spec.model)}: {spec.model.target} cannot be evaluated "
            f"on two examples of {spec.task.name}: {describe_error(error)}{format_location(error)}"
        ) from error
    source = components.yaml_path("task", spec.task)
    for name in metrics:
        check_key(f"{source}: {spec.task.target}", "metric", name)
    wanted = spec.task.target_metric.metric
    if wanted not in metrics:
        raise RefusedInput(
            f"{source}: task.metric: {wanted!r} is not measured; "
            f"{spec.task.target} measures {', '.join(sorted(metrics))}"
        )
    return model


def _measure(task: Task, model: nn.Module) -> Collection[str]:
    """Measure a model on two examples; return the names of the metrics."""
    import torch  # a second: only where something is built

    inputs, targets = (part[:2] for part in task.tensors("val", torch.device("cpu")))
    with torch.no_grad():
        sums = {name: value.double() for name, value in task.sums(model(inputs), targets).items()}
        return task.metrics(sums, len(targets))
