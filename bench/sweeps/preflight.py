"""Checks before a sweep trains: each combination of its trials is built once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench.build import components
from bench.spec import NotApplicable, RefusedInput, TrialSpec

if TYPE_CHECKING:
    from torch import nn


def check_trials(specs: Iterable[TrialSpec]) -> dict[str, str]:
    """Build every distinct combination once and feed it two examples.

    Returns:
        Why a trial does not apply, by ``config_hash``. These are skipped; the others can run.

    Raises:
        RefusedInput: something cannot be built, or the task does not measure its target metric.
    """
    models: dict[str, nn.Module] = {}
    reasons: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for spec in specs:
        # torch: a sweep that is answered from its record builds nothing
        from bench.runtime.isolation import isolate

        fit = repr((spec.task, spec.model))
        if fit not in models:
            with isolate():
                models[fit] = _build_model(spec)
        parts = repr((fit, spec.optimizer, spec.schedule, spec.budget.steps))
        if parts not in reasons:
            with isolate():
                reasons[parts] = _find_reason(spec, models[fit])
        if reasons[parts]:
            skipped[spec.config_hash] = reasons[parts]
    return skipped


def _find_reason(spec: TrialSpec, model: nn.Module) -> str:
    """Say why optimizer and schedule do not apply to the model; empty where they do."""
    try:
        components.build_scheduler(spec, components.build_optimizer(spec.optimizer, model))
    except NotApplicable as reason:
        return str(reason)
    return ""


def _build_model(spec: TrialSpec) -> nn.Module:
    """Build the model and measure the task's metrics on two examples."""
    import torch  # see above

    task = components.load_task(spec)
    model = components.build_model(spec.model, task)
    inputs, targets = (part[:2] for part in task.tensors("val", torch.device("cpu")))
    with torch.no_grad():
        sums = {name: value.double() for name, value in task.sums(model(inputs), targets).items()}
        metrics = task.metrics(sums, len(targets))
    wanted = spec.task.target_metric.metric
    if wanted not in metrics:
        raise RefusedInput(
            f"{components.yaml_path('task', spec.task)}: task.metric: {wanted!r} is not measured; "
            f"{spec.task.target} measures {', '.join(sorted(metrics))}"
        )
    return model
