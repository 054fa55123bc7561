"""What a trial's run says in MLflow, whoever writes it there.

A run's clock shows the trial's own training time: its points and its end lie that long after its
start. By the wall every trial of a stack would have taken as long as the whole stack.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

from bench.runtime.processes import mine
from bench.spec import CurvePoint, Status, TrialResult, TrialSpec
from bench.spec.hyperparameters import hyperparameters
from bench.tracking.naming import curve
from bench.tracking.runs import SUMMARY
from bench.tracking.sqlite.schema import now

RUNNING = "running"


def run_tags(spec: TrialSpec, launcher: str) -> dict[str, str]:
    """What a run of this trial is tagged with from its start."""
    return {
        "kind": "trial",
        "study": spec.context.study,
        "task": spec.task.name,
        "optimizer": spec.optimizer.name,
        "model": spec.model.name,
        "schedule": spec.schedule.name,
        "seed": str(spec.seed),
        "curve": curve(spec),
        "point": json.dumps(dict(spec.optimizer.point)),
        "status": RUNNING,
        "config_hash": spec.config_hash,
        "config": json.dumps(spec.config()),
        "phase": str(spec.phase),
        "reference": spec.origin.reference,
        **({"tuning": json.dumps(asdict(spec.origin.tuning))} if spec.origin.tuning else {}),
        **mine(),
        "launcher": launcher,
    }


def end_tags(result: TrialResult) -> dict[str, str]:
    """What a run is tagged with when its trial has ended."""
    environment = {f"env.{name}": value for name, value in result.environment.items()}
    summary = {f"{SUMMARY}{name}": repr(float(n)) for name, n in result.summary.items()}
    return {"status": str(result.status), "reason": result.reason[:5000], **summary, **environment}


def logged_curve(result: TrialResult) -> tuple[CurvePoint, ...]:
    """The curve as metrics of a run: the last point also holds what was measured at the end."""
    if not result.curve:
        return ()
    last = result.curve[-1]
    return *result.curve[:-1], CurvePoint(last.step, {**last.values, **result.final})


def end_state(result: TrialResult) -> str:
    """MLflow's own word for how it ended; diverging is a result."""
    return "FAILED" if result.status is Status.FAILED else "FINISHED"


def run_params(spec: TrialSpec) -> dict[str, str]:
    """Hyperparameters and settings, to be shown beside a run."""
    values: Mapping[str, object] = {
        **{f"hp.{name}": value for name, value in hyperparameters(spec.optimizer).items()},
        "batch_size": spec.batch_size,
        "budget.steps": spec.budget.steps,
        "precision": spec.precision,
    }
    return {name: str(value) for name, value in values.items()}


def later(start: int, values: Mapping[str, float]) -> int:
    """When a point was reached, or a trial ended, on its own clock; now where it has none.

    Args:
        start: of the run, in milliseconds.
        values: of the point, or the summary; ``train_time_s`` counts.
    """
    seconds = values.get("train_time_s", math.nan)
    return start + round(1000 * seconds) if math.isfinite(seconds) else now()
