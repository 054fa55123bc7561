"""Trial records as two DataFrames: ``trials`` and ``curves``.

``trials``, one row a trial:
    ===========================  =================================================================
    run_id study config_hash     identity in the store
    comparison                   what may be compared: the task's name, and where the study ran it
                                 under several settings what differs, ``digits (batch_size=64)``
    task optimizer point seed    what was trained; ``point`` is a label such as ``lr=0.01``
    status reason traceback      how it ended
    model schedule batch_size    settings; ``budget_steps`` in training steps
    budget_steps precision
    protocol_version
    task_version data_fingerprint
    metric direction target      what the task measures; ``target`` is NaN without a target value
    hp.<name>                    every hyperparameter of the optimizer, nested ones with dots
    val/<m> test/<m> train/loss  at the end of the trial; NaN unless it finished
    steps_to_target              ∞ when missed; NaN without a target or when failed or skipped
    train_time_to_target_s       likewise, seconds; NaN for a trial of a stack
    train_time_s step_time_ms    training time, of a stack its share; peak memory in MiB
    peak_memory_mib
    gradients                    how many it took; an optimizer may take several a step
    stack_size                   trials that trained at once with it; NaN alone
    diverged_step                step at which a value became non-finite
    env.<name>                   versions and hardware
    ===========================  =================================================================
``curves``, one row a measured value:
    ``run_id step train_time_s metric value``; a non-finite value stays as it was measured.

Rows are in a fixed order whatever the order of the records, so reports regenerate byte for byte.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.hyperparameters import hyperparameters
from bench.spec import Status, TrialRecord, point_label

IDENTITY = ["run_id", "study", "comparison", "task", "optimizer", "point", "seed"]
OUTCOME = ["status", "reason", "config_hash"]
SETTINGS = [
    *["model", "schedule", "batch_size", "budget_steps", "precision", "protocol_version"],
    *["task_version", "data_fingerprint", "metric", "direction", "target"],
]
TO_TARGET = ["steps_to_target", "train_time_to_target_s"]
COSTS = [
    *["train_time_s", "step_time_ms", "peak_memory_mib"],
    *["gradients", "stack_size", "diverged_step"],
]
TRIAL_COLUMNS = [*IDENTITY, *OUTCOME, *SETTINGS, "train/loss", *TO_TARGET, *COSTS, "traceback"]
TRIAL_PREFIXES = ("hp.", "val/", "test/", "env.")
CURVE_COLUMNS = ["run_id", "step", "train_time_s", "metric", "value"]
SORTED_BY = ["comparison", "optimizer", "point", "seed", "run_id"]


def tables(records: Sequence[TrialRecord]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``(trials, curves)`` of a study. Raises ValueError where a table breaks its schema."""
    comparisons = distinguish([(r.config["task"]["name"], _setting(r.config)) for r in records])
    points = distinguish([(_base_point(r), r.config["optimizer"]) for r in records])
    # the optimizer's name is only there to distinguish points within one optimizer
    points = [point.split("\0", 1)[1] for point in points]
    rows = [_trial_row(r, c, p) for r, c, p in zip(records, comparisons, points, strict=True)]
    trials = pd.DataFrame(rows, columns=_ordered({name for row in rows for name in row}))
    trials = trials.sort_values(SORTED_BY, ignore_index=True)
    curves = pd.DataFrame(
        [row for record in records for row in _curve_rows(record)], columns=CURVE_COLUMNS
    ).astype({"step": "int64", "train_time_s": "float64", "value": "float64"})
    order = {run_id: i for i, run_id in enumerate(trials["run_id"])}
    curves = curves.sort_values(["run_id", "step", "metric"], ignore_index=True)
    curves = curves.sort_values(
        "run_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True
    )
    return validate_trials(trials), curves


def validate_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """``trials`` itself. Raises ValueError naming columns that are missing or unknown."""
    missing = [name for name in TRIAL_COLUMNS if name not in trials]
    unknown = [
        name
        for name in trials.columns
        if name not in TRIAL_COLUMNS and not name.startswith(TRIAL_PREFIXES)
    ]
    if missing or unknown:
        raise ValueError(
            f"trials: missing columns {missing}, unknown columns {unknown}; see reports.table"
        )
    return trials


def family(names: Iterable[Any], prefix: str) -> list[str]:
    """Columns of an open family, e.g. all ``hp.``; ``names`` may be the table itself."""
    return [str(name) for name in names if str(name).startswith(prefix)]


def distinguish(labelled: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Labels that are equal exactly where label and description are equal.

    Of descriptions sharing a label, the fewest dotted keys that tell them apart are appended:
    ``[("digits", {"batch": 32}), ("digits", {"batch": 64})]`` → ``digits (batch=32)``, ….
    """
    flat = [(label, flatten(description)) for label, description in labelled]
    groups: dict[str, list[dict[str, str]]] = {}
    for label, description in flat:
        groups.setdefault(label, []).append(description)
    keys = {label: _telling_keys(group) for label, group in groups.items()}
    return [_named(label, description, keys[label]) for label, description in flat]


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """``{"a": {"b": 1}}`` → ``{"a.b": "1"}``; values as text, so that they can be compared."""
    flat: dict[str, str] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _telling_keys(group: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Keys that tell all of ``group`` apart, taken greedily: names first, then shallow keys."""
    keys = sorted(
        {key for d in group for key in d},
        key=lambda key: (not key.endswith("name"), key.count("."), key),
    )
    goal = len({_values(d, keys) for d in group})
    chosen: tuple[str, ...] = ()
    for key in keys:
        reached = len({_values(d, chosen) for d in group})
        if reached == goal:
            break
        if len({_values(d, (*chosen, key)) for d in group}) > reached:
            chosen = (*chosen, key)
    return chosen


def _values(description: Mapping[str, str], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(description.get(key, "–") for key in keys)


def _named(label: str, description: Mapping[str, str], keys: Sequence[str]) -> str:
    pairs = ", ".join(
        f"{key.removesuffix('.name')}={value}"
        for key, value in zip(keys, _values(description, keys), strict=True)
    )
    return f"{label} ({pairs})" if pairs else label


def _base_point(record: TrialRecord) -> str:
    return f"{record.config['optimizer']['name']}\0{point_label(record.point)}"


def _setting(config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that has to be equal within a comparison: all but optimizer and seed."""
    return {key: value for key, value in config.items() if key not in ("optimizer", "seed")}


def _trial_row(record: TrialRecord, comparison: str, point: str) -> dict[str, Any]:
    config, result = record.config, record.result
    target = config["task"]["target_metric"]
    finished = result.status == Status.FINISHED
    final = result.curve[-1].values if finished and result.curve else {}
    return {
        "run_id": record.run_id,
        "study": record.study,
        "comparison": comparison,
        "task": config["task"]["name"],
        "optimizer": config["optimizer"]["name"],
        "point": point,
        "seed": config["seed"],
        "status": str(result.status),
        "reason": result.reason,
        "config_hash": record.config_hash,
        "model": config["model"]["name"],
        "schedule": config["schedule"]["name"],
        "batch_size": config["batch_size"],
        "budget_steps": config["budget"]["steps"],
        "precision": config["precision"],
        "protocol_version": config["protocol_version"],
        "task_version": config["task"]["version"],
        "data_fingerprint": config["data_fingerprint"],
        "metric": target["metric"],
        "direction": target["direction"],
        "target": math.nan if target["value"] is None else target["value"],
        **{
            f"hp.{key}": _plain(value)
            for key, value in hyperparameters(config["optimizer"]).items()
        },
        "train/loss": final.get("train/loss", math.nan),
        **{key: value for key, value in final.items() if key.startswith(("val/", "test/"))},
        **_to_target(record),
        **{name: result.summary.get(name, math.nan) for name in COSTS},
        **{f"env.{key}": value for key, value in result.environment.items()},
        "traceback": result.traceback,
    }


def _to_target(record: TrialRecord) -> dict[str, float]:
    """A miss is ∞; without a target, or where nothing was measured, there is no number.

    A share of a stack's time is not what the trial alone would take: no time to target.
    """
    ran = record.result.status in (Status.FINISHED, Status.DIVERGED)
    has_target = record.config["task"]["target_metric"]["value"] is not None
    missed = math.inf if ran and has_target else math.nan
    summary = record.result.summary if ran and has_target else {}
    found = {name: summary.get(name, missed) for name in TO_TARGET}
    return found | ({"train_time_to_target_s": math.nan} if "stack_size" in summary else {})


def _curve_rows(record: TrialRecord) -> list[tuple[str, int, float, str, float]]:
    return [
        (record.run_id, point.step, point.values.get("train_time_s", math.nan), metric, value)
        for point in record.result.curve
        for metric, value in point.values.items()
        if metric != "train_time_s"
    ]


def _ordered(names: Iterable[str]) -> list[str]:
    """Columns in the order of the schema, the open families sorted."""
    names = sorted(names)
    head, tail = [*IDENTITY, *OUTCOME, *SETTINGS], [*TO_TARGET, *COSTS]
    measured = ["train/loss", *family(names, "val/"), *family(names, "test/")]
    return [*head, *family(names, "hp."), *measured, *tail, *family(names, "env."), "traceback"]


def _plain(value: Any) -> Any:
    """A scalar as it is, anything else as JSON text: one cell of a CSV."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)
