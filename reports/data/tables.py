"""Trial records as two tables: ``trials`` and ``curves``.

``trials`` has one row a trial:
    ===========================  =================================================================
    run_id study config_hash     identity in the store; of a baseline's trial the hash is its run_id
    source                       the baseline it was read from; empty: a store
    comparison                   label: the task's name, and what differs where the study ran it
                                 under several settings, ``digits (batch_size=64)``
    task optimizer entrant       what was trained; ``entrant`` (optimizer × schedule) and ``point``
    point seed                   (``lr=0.01``) are labels
    setting_id entrant_id        keys of comparison, entrant and point (``reports.data.ids``)
    point_id
    phase                        explore, select (no test values) or report
    repeat index                 of a study: which of its tunings, place in the draw; NaN: none
    points repeats sampler rank  as declared: settings a tuning may try, tunings, how settings are
    rerank                       drawn and ranked, and how many of the best are tried again
    draw                         version of the design of the tunings
    planned                      results that the plan declared of its row; 0 where nothing does
    space_hash                   digest of the declared search space; empty: none
    status reason traceback      how it ended
    ended_at                     when, in seconds since 1970; 0 where no record says, in baselines
    generation                   number of the command in its study; 0 where no record says
    model schedule batch_size    settings; ``budget_steps`` and ``eval_every``, the evaluation
    budget_steps eval_every      interval, in training steps
    precision param_groups
    stop_at_target
    protocol_version
    task_version data_fingerprint
    metric direction target      what the task measures; ``target`` is NaN without a target value
    hp.<name>                    every hyperparameter of the optimizer, nested ones with dots
    steps                        training steps made
    val/<m> test/<m> train/loss  at the end of the trial; NaN unless it finished
    steps_to_target              ∞ when missed; NaN without a target or when failed or skipped
    train_time_to_target_s       likewise, seconds; NaN for a trial of a stack
    train_time_s step_time_ms    training time, of a stack its share; peak memory in MiB
    peak_memory_mib
    gradients                    how many it took; an optimizer may take several a step
    stack_size                   trials that trained at once with it; NaN alone
    diverged_step                step at which a value became non-finite
    test_examples                size of the test split, where the trial evaluated it
    env.<name>                   versions and hardware
    ===========================  =================================================================
``curves`` has one row a measured value:
    ``run_id step train_time_s metric value`` and the trial's ids; non-finite values stay.

Rows are in a fixed order whatever the order of the records, so reports regenerate byte for byte.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench.spec import Status, TrialRecord
from bench.spec.hyperparameters import hyperparameters
from reports.data import ids, labels
from reports.data.ids import IDS
from reports.data.labels import prefixed_columns

IDENTITY = [
    *["run_id", "study", "source", "comparison", "task", "optimizer", "entrant", "point", "seed"],
    *IDS,
]
STUDY = [
    *["phase", "repeat", "index", "points", "repeats", "draw", "planned"],
    *["sampler", "rank", "rerank", "space_hash"],
]
OUTCOME = ["status", "reason", "ended_at", "generation", "config_hash"]
SETTINGS = [
    *["model", "schedule", "batch_size", "budget_steps", "eval_every", "precision"],
    *["param_groups", "stop_at_target", "protocol_version", "task_version", "data_fingerprint"],
    *["metric", "direction", "target"],
]
TO_TARGET = ["steps_to_target", "train_time_to_target_s"]
COSTS = [
    *["steps", "train_time_s", "step_time_ms", "peak_memory_mib"],
    *["gradients", "stack_size", "diverged_step", "test_examples"],
]
TRIAL_COLUMNS = [
    *IDENTITY,
    *STUDY,
    *OUTCOME,
    *SETTINGS,
    "train/loss",
    *TO_TARGET,
    *COSTS,
    "traceback",
]
TRIAL_PREFIXES = ("hp.", "val/", "test/", "env.")
MEASURED = ["run_id", "step", "train_time_s", "metric", "value"]
CURVE_COLUMNS = [*MEASURED, *IDS]
SORTED_BY = ["comparison", "optimizer", "entrant", "point", "seed", "run_id"]


def make_tables(records: Sequence[TrialRecord]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make ``trials`` and ``curves``. Raises ValueError where ``trials`` breaks its schema."""
    texts = (labels.label_comparisons, labels.label_entrants, labels.label_points)
    columns = (records, *(label(records) for label in texts))
    rows = [_trial_row(*one) for one in zip(*columns, strict=True)]
    trials = pd.DataFrame(rows, columns=_ordered({name for row in rows for name in row}))
    trials = trials.sort_values(SORTED_BY, ignore_index=True)
    curves = pd.DataFrame(
        [row for record in records for row in _curve_rows(record)], columns=MEASURED
    ).astype({"step": "int64", "train_time_s": "float64", "value": "float64"})
    order = {run_id: i for i, run_id in enumerate(trials["run_id"])}
    curves = curves.sort_values(["run_id", "step", "metric"], ignore_index=True)
    curves = curves.sort_values(
        "run_id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True
    )
    keys = {name: dict(zip(trials["run_id"], trials[name], strict=True)) for name in IDS}
    curves = curves.assign(**{name: curves["run_id"].map(keys[name]) for name in IDS})
    return validate_trials(trials), curves


def validate_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return ``trials``. Raises ValueError naming columns that are missing or unknown."""
    missing = [name for name in TRIAL_COLUMNS if name not in trials]
    unknown = [
        name
        for name in trials.columns
        if name not in TRIAL_COLUMNS and not name.startswith(TRIAL_PREFIXES)
    ]
    if missing or unknown:
        raise ValueError(
            f"trials: missing columns {missing}, unknown columns {unknown}; see reports.data.tables"
        )
    return trials


def _trial_row(record: TrialRecord, comparison: str, entrant: str, point: str) -> dict[str, Any]:
    config, result = record.config, record.result
    target = config["task"]["target_metric"]
    finished = result.status == Status.FINISHED
    final = result.final if finished else {}
    return {
        "run_id": record.run_id,
        "study": record.study,
        "source": record.source,
        "comparison": comparison,
        "task": config["task"]["name"],
        "optimizer": config["optimizer"]["name"],
        "entrant": entrant,
        "point": point,
        "seed": config["seed"],
        "setting_id": ids.setting_id(config),
        "entrant_id": ids.entrant_id(config),
        "point_id": ids.point_id(config),
        **_tuning_cells(record),
        "status": str(result.status),
        "reason": result.reason,
        "ended_at": result.ended_at,
        "generation": result.generation,
        "config_hash": record.config_hash,
        "model": config["model"]["name"],
        "schedule": config["schedule"]["name"],
        "batch_size": config["batch_size"],
        "budget_steps": config["budget"]["steps"],
        "eval_every": config["budget"]["eval_every"],
        "precision": config["precision"],
        "param_groups": config["optimizer"].get("param_groups", ""),
        "stop_at_target": bool(config.get("stop_at_target", False)),
        "protocol_version": config["protocol_version"],
        "task_version": config["task"]["version"],
        "data_fingerprint": config["data_fingerprint"],
        "metric": target["metric"],
        "direction": target["direction"],
        "target": math.nan if target["value"] is None else target["value"],
        **{
            f"hp.{key}": _cell(value) for key, value in hyperparameters(config["optimizer"]).items()
        },
        "train/loss": final.get("train/loss", math.nan),
        **{key: value for key, value in final.items() if key.startswith(("val/", "test/"))},
        **_to_target(record),
        **{name: result.summary.get(name, math.nan) for name in COSTS},
        "steps": _steps(record),
        **{f"env.{key}": value for key, value in result.environment.items()},
        "traceback": result.traceback,
    }


def _tuning_cells(record: TrialRecord) -> dict[str, Any]:
    """Return the tuning that a trial of a study belongs to; of another trial nothing is known."""
    tuning = record.tuning
    if tuning is None:
        none = dict.fromkeys(("repeat", "index", "points", "repeats", "draw"), math.nan)
        texts = dict.fromkeys(("sampler", "rank", "space_hash"), "")
        return {"phase": str(record.phase), **none, "planned": 0, "rerank": 0, **texts}
    return {
        "phase": str(record.phase),
        "repeat": float(tuning.repeat),
        "index": math.nan if tuning.index is None else float(tuning.index),
        "points": float(tuning.points),
        "repeats": float(tuning.repeats),
        "draw": float(tuning.draw),
        "planned": tuning.planned,
        "sampler": tuning.sampler if tuning.space else "",
        "rank": tuning.rank,
        "rerank": tuning.rerank,
        "space_hash": tuning.space_hash if tuning.space else "",
    }


def _steps(record: TrialRecord) -> float:
    """Count training steps: to the last evaluation or divergence; NaN where none was measured."""
    result = record.result
    if "diverged_step" in result.summary:
        return float(result.summary["diverged_step"])
    return float(result.curve[-1].step) if result.curve else math.nan


def _to_target(record: TrialRecord) -> dict[str, float]:
    """Return steps and time to the target: ∞ for a miss, NaN without a target or a measurement.

    A share of a stack's time is not what the trial alone would take, so it has no time to target.
    """
    ran = record.result.status in (Status.FINISHED, Status.DIVERGED)
    has_target = record.config["task"]["target_metric"]["value"] is not None
    missed = math.inf if ran and has_target else math.nan
    summary = record.result.summary if ran and has_target else {}
    measured = {name: summary.get(name, missed) for name in TO_TARGET}
    return measured | ({"train_time_to_target_s": math.nan} if "stack_size" in summary else {})


def _curve_rows(record: TrialRecord) -> list[tuple[str, int, float, str, float]]:
    return [
        (record.run_id, point.step, point.values.get("train_time_s", math.nan), metric, value)
        for point in record.result.curve
        for metric, value in point.values.items()
        if metric != "train_time_s"
    ]


def _ordered(names: Iterable[str]) -> list[str]:
    """Sort columns as the schema has them, open families by name."""
    names = sorted(names)
    head, tail = [*IDENTITY, *STUDY, *OUTCOME, *SETTINGS], [*TO_TARGET, *COSTS]
    measured = ["train/loss", *prefixed_columns(names, "val/"), *prefixed_columns(names, "test/")]
    return [
        *head,
        *prefixed_columns(names, "hp."),
        *measured,
        *tail,
        *prefixed_columns(names, "env."),
        "traceback",
    ]


def _cell(value: Any) -> Any:
    """Return a scalar as it is, anything else as JSON text: one cell of a CSV."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)
