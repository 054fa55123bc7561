"""Trial records made by hand, with known numbers, as ``bench.tracking.read`` returns them."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from bench.spec import (
    CurvePoint,
    Phase,
    Status,
    TrialRecord,
    TrialResult,
    Tuning,
    digest,
    last_metrics,
    point_label,
)

ENVIRONMENT = {"device": "cpu", "threads": "1", "python": "3.11.9", "torch": "2.15.0"}


def make_record(
    *,
    task: str = "digits",
    optimizer: str = "adam",
    seed: int = 0,
    point: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
    val: float = 0.9,
    test: float | None = 0.9,
    status: str = "finished",
    reason: str = "",
    traceback: str = "",
    metric: str = "accuracy",
    direction: str = "maximize",
    target: float | None = 0.85,
    steps_to_target: float | None = 200,
    steps: int = 300,
    evaluations: int = 3,
    environment: dict[str, str] | None = None,
    run_id: str = "",
    step_time_ms: float = 1.5,
    summary: dict[str, float] | None = None,
    ended_at: float = 0.0,
    generation: int = 0,
    phase: Phase = Phase.EXPLORE,
    tuning: Tuning | None = None,
    reference: str = "adam",
    **setting: Any,
) -> TrialRecord:
    """One trial; ``setting`` overrides top-level keys of the config, e.g. ``batch_size=64``."""
    point = point or {}
    config = {
        "protocol_version": 1,
        "task": {
            "name": task,
            "target": "tasks.image.ImageTask",
            "arguments": {},
            "data": {"name": task, "target": "", "arguments": {}},
            "target_metric": {"metric": metric, "direction": direction, "value": target},
            "version": 1,
        },
        "data_fingerprint": "f00d",
        "model": {"name": "mlp", "target": "tasks.models.MLP", "arguments": {"width": 64}},
        "optimizer": {
            "name": optimizer,
            "target": f"torch.optim.{optimizer}",
            "arguments": {"lr": 1e-3, "betas": [0.9, 0.999]} | (arguments or {}) | point,
            "param_groups": "all",
            "needs": [],
            "version": "2.15.0",
        },
        "schedule": {"name": "constant", "target": "", "arguments": {}},
        "batch_size": 32,
        "budget": {"steps": steps, "eval_every": max(1, steps // evaluations)},
        "seed": seed,
        "precision": "32-true",
        "stop_at_target": False,
    } | setting
    config_hash = digest(config)
    name = f"{task} {optimizer} {point_label(point)} {seed} {config_hash} {status}"
    summary = {
        "train_time_s": steps * step_time_ms / 1e3,
        "step_time_ms": step_time_ms,
        "gradients": float(steps),
    } | (summary or {})
    if steps_to_target is not None and target is not None and status == "finished":
        summary["steps_to_target"] = steps_to_target
        summary["train_time_to_target_s"] = steps_to_target * step_time_ms / 1e3
    if status == "diverged":
        summary["diverged_step"] = steps // 2
    curve = _curve(status, steps, evaluations, step_time_ms, metric, val)
    ends = status == "finished" and test is not None
    tested = {"test/loss": 0.3, f"test/{metric}": test} if ends else {}
    return TrialRecord(
        run_id=run_id or hashlib.sha256(name.encode()).hexdigest()[:32],
        study="hand_made",
        config_hash=config_hash,
        config=config,
        point=point,
        result=TrialResult(
            status=Status(status),
            reason=reason,
            curve=curve,
            summary=summary if status in ("finished", "diverged") else {},
            environment=environment or ENVIRONMENT,
            traceback=traceback,
            ended_at=ended_at,
            generation=generation,
            final=last_metrics(curve) | tested,
        ),
        phase=phase,
        tuning=tuning,
        reference=reference,
    )


def _curve(
    status: str,
    steps: int,
    evaluations: int,
    step_time_ms: float,
    metric: str,
    val: float,
) -> tuple[CurvePoint, ...]:
    """Exponential approach to the final values; a diverged trial breaks off half-way with NaN."""
    if status not in ("finished", "diverged"):
        return ()
    points = []
    for i in range(1, evaluations + 1):
        step, progress = steps * i // evaluations, i / evaluations
        values = {
            "train/loss": 2.3 * math.exp(-4 * progress * val),
            "val/loss": 2.3 * math.exp(-3 * progress * val),
            f"val/{metric}": val * (1 - math.exp(-5 * progress)) / (1 - math.exp(-5)),
            "lr": 1e-3,
            "train_time_s": step * step_time_ms / 1e3,
        }
        if status == "diverged" and 2 * i > evaluations:
            points.append(CurvePoint(step, values | {"train/loss": math.nan}))
            break
        points.append(CurvePoint(step, values))
    return tuple(points)
