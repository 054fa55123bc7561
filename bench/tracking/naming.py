"""Names of runs in MLflow, and of the curves that several runs make together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.spec import Phase, TrialSpec, protocol

SEPARATOR = " · "
MAX_RUN_NAME = 250
"""Characters of a run's name in MLflow's tables; PostgreSQL refuses a longer one."""


def name_run(spec: TrialSpec) -> str:
    """Return ``s3 adam lr=0.00316 digits``: what differs comes first, for MLflow cuts names."""
    name = f"s{spec.seed} {_label(spec)} {_format_point(spec.optimizer.point)} {spec.task.name}"
    return name[:MAX_RUN_NAME]


def name_curve(spec: TrialSpec) -> str:
    """Return the tag ``curve``: trials that share it differ in their seed, so they are averaged.

    ``adam+cosine · digits`` for an entrant as its YAML has it. A plain sweep adds the point. A
    study adds the purpose of the trial: ``tuned`` (the chosen point of each repeat, pooled as in
    the report), ``default``, or ``tuning`` with the point that was tried. The task comes last, as
    in a run's name: lists cut what does not fit.
    """
    parts = [_label(spec)]
    point = _format_point(spec.optimizer.point)
    if spec.phase is Phase.REPORT:
        tuned = spec.origin.tuning is not None and spec.origin.tuning.index is not None
        parts.append("tuned" if tuned else "default")
    elif spec.phase is Phase.SELECT:
        parts.append(f"tuning {point}")
    elif spec.optimizer.point:
        parts.append(point)
    return SEPARATOR.join([*parts, spec.task.name])


def _label(spec: TrialSpec) -> str:
    return protocol.label(spec.optimizer.name, spec.schedule.name)


def _format_point(point: Mapping[str, Any]) -> str:
    """``lr=0.00316, momentum=0.9``; ``default`` for an optimizer as its YAML has it."""
    settings = (f"{name}={_format(value)}" for name, value in sorted(point.items()))
    return ", ".join(settings) or "default"


def _format(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
