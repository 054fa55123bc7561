"""Tags, parameters and times of a trial's run in MLflow, whoever writes them there.

A run's clock shows the trial's own training time: its points and its end lie that long after its
start. By the wall every trial of a stack would have taken as long as the whole stack.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from bench.spec import CurvePoint, RefusedInput, Status, TrialResult, TrialSpec
from bench.spec.hyperparameters import hyperparameters
from bench.tracking.naming import name_curve
from bench.tracking.owner import identify
from bench.tracking.sqlite.schema import now_ms

RUNNING = "running"

SUMMARY = "summary."
"""Prefix of the tags that hold a result's summary. As metrics they would each be drawn as a chart,
though they are one number a trial; as tags they also keep every digit, NaN and ∞."""

MAX_TAG, MAX_PARAM = 8000, 6000
"""Characters that an MLflow server keeps of a tag and of a parameter. A file would keep more."""


def check_recordable(spec: TrialSpec) -> None:
    """Refuse a trial with a tag that an MLflow server would cut, whichever store is used.

    Raises:
        RefusedInput: naming the trial and the tag.
    """
    for name, value in make_start_tags(spec, "").items():
        if len(value) > MAX_TAG:
            raise RefusedInput(
                f"{spec.task.name} with {spec.optimizer.name}: its {name} has {len(value)} "
                f"characters. Use at most {MAX_TAG}, and read long values from a file."
            )
        if not value.isprintable():
            raise RefusedInput(
                f"{spec.task.name} with {spec.optimizer.name}: its {name} has control characters. "
                "Leave them out."
            )


GENERATION = "generation"
"""The tag with the number of the command that made a run, in as many digits that it sorts as text.
"""
DIGITS = 9


def encode_generation(number: int) -> str:
    """Format the number of a command as the tag ``generation``."""
    return f"{number:0{DIGITS}d}"


def decode_generation(tags: Mapping[str, str]) -> int:
    """Return the number of the command that made a run; 0 where no tag says."""
    text = str(tags.get(GENERATION, ""))
    return int(text) if text.isdecimal() and len(text) == DIGITS else 0


def make_start_tags(spec: TrialSpec, launcher: str) -> dict[str, str]:
    """Make the tags that a run of this trial has from its start."""
    return {
        "kind": "trial",
        "study": spec.context.study,
        "task": spec.task.name,
        "optimizer": spec.optimizer.name,
        "model": spec.model.name,
        "schedule": spec.schedule.name,
        "seed": str(spec.seed),
        "curve": name_curve(spec),
        "point": json.dumps(dict(spec.optimizer.point)),
        "status": RUNNING,
        "config_hash": spec.config_hash,
        "config": json.dumps(spec.config()),
        "phase": str(spec.phase),
        "reference": spec.origin.reference,
        **({"tuning": json.dumps(spec.origin.tuning.to_record())} if spec.origin.tuning else {}),
        **identify(),
        "launcher": launcher,
        GENERATION: encode_generation(spec.context.generation),
    }


def make_end_tags(result: TrialResult) -> dict[str, str]:
    """Make the tags that a run gets when its trial has ended."""
    environment = {f"env.{name}": value for name, value in result.environment.items()}
    summary = {f"{SUMMARY}{name}": repr(float(n)) for name, n in result.summary.items()}
    return {"status": str(result.status), "reason": result.reason[:5000], **summary, **environment}


def to_logged_curve(result: TrialResult) -> tuple[CurvePoint, ...]:
    """Return the curve as metrics of a run; its last point also has the final values on test."""
    if not result.curve:
        return ()
    last = result.curve[-1]
    return *result.curve[:-1], CurvePoint(last.step, {**last.values, **result.final})


def to_mlflow_status(result: TrialResult) -> str:
    """Return MLflow's own status of a run that has ended; diverging is a result."""
    return "FAILED" if result.status is Status.FAILED else "FINISHED"


def make_params(spec: TrialSpec) -> dict[str, str]:
    """Make the parameters, hyperparameters among them, that are shown beside a run."""
    values: Mapping[str, object] = {
        **{f"hp.{name}": value for name, value in hyperparameters(spec.optimizer).items()},
        "batch_size": spec.batch_size,
        "budget.steps": spec.budget.steps,
        "precision": spec.precision,
    }
    return {name: str(value)[:MAX_PARAM] for name, value in values.items()}


def to_timestamp(start: int, values: Mapping[str, float]) -> int:
    """Return the time of a point, or of a trial's end, on its own clock; now where it has none.

    Args:
        start: of the run, in milliseconds.
        values: of the point, or the summary; ``train_time_s`` counts.
    """
    seconds = values.get("train_time_s", math.nan)
    return start + round(1000 * seconds) if math.isfinite(seconds) else now_ms()
