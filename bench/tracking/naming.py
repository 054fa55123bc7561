"""What a trial's run is called in MLflow, and which runs make one curve there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.spec import Phase, TrialSpec, protocol

SEPARATOR = " · "


def run_name(spec: TrialSpec) -> str:
    """``s3 adam lr=0.00316 digits``: what differs comes first, for MLflow's run list cuts names."""
    return f"s{spec.seed} {_entrant(spec)} {_short(spec.optimizer.point)} {spec.task.name}"


def curve(spec: TrialSpec) -> str:
    """The tag ``curve``: trials that share it differ in their seed, so their mean is a curve.

    ``adam+cosine · digits`` for an entrant as its YAML has it. A plain sweep adds the point, a
    study what the trial is for: ``tuned`` (the chosen point of each repeat, pooled as in the
    report), ``default``, or ``tuning`` with the point that was tried. The task comes last, as in
    a run's name: lists cut what does not fit.
    """
    parts = [_entrant(spec)]
    point = _short(spec.optimizer.point)
    if spec.phase is Phase.REPORT:
        tuned = spec.origin.tuning is not None and spec.origin.tuning.index is not None
        parts.append("tuned" if tuned else "default")
    elif spec.phase is Phase.SELECT:
        parts.append(f"tuning {point}")
    elif spec.optimizer.point:
        parts.append(point)
    return SEPARATOR.join([*parts, spec.task.name])


def _entrant(spec: TrialSpec) -> str:
    return protocol.label(spec.optimizer.name, spec.schedule.name)


def _short(point: Mapping[str, Any]) -> str:
    """``lr=0.00316, momentum=0.9``; ``default`` for an optimizer as its YAML has it."""
    return (
        ", ".join(f"{name}={_digits(value)}" for name, value in sorted(point.items())) or "default"
    )


def _digits(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
