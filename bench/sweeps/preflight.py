"""Checks of trials before anything trains: each combination is built once and fed two examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench.build import components
from bench.spec import NotApplicable, RefusedInput, TrialSpec
from bench.spec.names import check_key
from bench.tracking.tags import check_recordable

if TYPE_CHECKING:
    from torch import nn

    from tasks.base import Task


def check_trials(specs: Iterable[TrialSpec]) -> dict[str, str]:
    """Build every distinct combination of the trials once.

    Returns:
        By ``config_hash``: why a trial cannot apply. Those are skipped; the others can run.

    Raises:
        RefusedInput: something cannot be built or recorded, or the task does not measure its target
            metric.
    """
    models: dict[str, nn.Module] = {}
    verdicts: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for spec in specs:
        from bench.runtime.isolation import isolate  # loads torch: only where something is built

        fit = repr((spec.task, spec.model))
        if fit not in models:
            with isolate():
                models[fit] = _build_checked_model(spec, components.load_task(spec))
        parts = repr((fit, spec.optimizer, spec.schedule, spec.budget.steps))
        if parts not in verdicts:
            check_recordable(spec)
            with isolate():
                verdicts[parts] = _explain_inapplicable(spec, models[fit])
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
    """Build the model; refuse a task whose metrics have odd names or lack its target metric."""
    import torch  # a second: only where something is built

    model = components.build_model(spec.model, task)
    inputs, targets = (part[:2] for part in task.tensors("val", torch.device("cpu")))
    with torch.no_grad():
        sums = {name: value.double() for name, value in task.sums(model(inputs), targets).items()}
        metrics = task.metrics(sums, len(targets))
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
