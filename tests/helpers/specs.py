"""Small trial specs, as ``conf/`` would give them."""

from __future__ import annotations

from typing import Any

from bench.build import components
from bench.spec import (
    Budget,
    Component,
    OptimizerSpec,
    RunContext,
    Target,
    TaskSpec,
    TrialSpec,
)


def trial_spec(
    *,
    target: str = "bench.optimizers.adam.Adam",
    point: dict[str, Any] | None = None,
    steps: int = 60,
    eval_every: int = 20,
    seed: int = 0,
    needs: tuple[str, ...] = (),
    goal: float | None = 0.5,
    schedule: Component | None = None,
    stop_at_target: bool = False,
    study: str = "test",
) -> TrialSpec:
    """A digits MLP trial; ``point`` holds the optimizer's hyperparameters."""
    data = Component("", "tasks.data.digits.load")
    point = point or {}
    return TrialSpec(
        task=TaskSpec(
            "digits",
            "tasks.image.ImageClassification",
            data=data,
            target_metric=Target("accuracy", "maximize", goal),
        ),
        model=Component("mlp", "tasks.models.image.MLP", {"hidden": [16]}),
        optimizer=OptimizerSpec("adam", target, point, point=point, needs=needs),
        schedule=schedule or Component("constant", "bench.schedules.constant"),
        batch_size=32,
        budget=Budget(steps, eval_every),
        seed=seed,
        precision="32-true",
        stop_at_target=stop_at_target,
        data_fingerprint=components.load_dataset("digits", data, "data", False).fingerprint,
        context=RunContext(study),
    )
