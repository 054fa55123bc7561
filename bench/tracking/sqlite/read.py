"""Trials of a SQLite store as plain data, by a handful of queries and without MLflow.

SQLite keeps any value in any column: what is of no kind that MLflow writes is a fault of its run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.tracking.sqlite.schema import decode_number, open_for_reading
from bench.tracking.store import TrialRun

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
"""MLflow's own."""


def read_trials(
    path: Path, experiment: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """Read the trials of a study; histories of metrics only where curves are asked for."""
    with closing(open_for_reading(path)) as store:
        rows = store.execute(
            "SELECT run_uuid, status, end_time FROM runs JOIN tags USING (run_uuid) "
            "WHERE experiment_id = ? AND lifecycle_stage = 'active' "
            "AND key = 'kind' AND tags.value = 'trial' ORDER BY start_time DESC, run_uuid",
            (int(experiment),),
        ).fetchall()
        runs = _read_runs(store, rows)
        if hashes is not None:
            runs = {key: run for key, run in runs.items() if run.config_hash in hashes}
        _add_latest(store, runs)
        if curves:
            _add_histories(store, runs)
        else:
            _check_histories(store, runs)
    return list(runs.values())


def read_claims(
    store: sqlite3.Connection, experiment: str, hashes: Collection[str]
) -> list[TrialRun]:
    """Read the runs with one of these hashes, inside the caller's transaction."""
    rows = store.execute(
        "SELECT runs.run_uuid, status, end_time FROM tags JOIN runs USING (run_uuid) "
        "WHERE key = 'config_hash' AND tags.value IN (SELECT value FROM json_each(?)) "
        "AND experiment_id = ? AND lifecycle_stage = 'active'",
        (json.dumps(list(hashes)), int(experiment)),
    ).fetchall()
    runs = _read_runs(store, rows)
    _add_latest(store, runs)
    _check_histories(store, runs)
    return list(runs.values())


def _read_runs(
    store: sqlite3.Connection, rows: Iterable[tuple[str, Any, Any]]
) -> dict[str, TrialRun]:
    """Read the tags of runs, which come in this order."""
    runs = {}
    for run_id, status, ended in rows:
        run = TrialRun(run_id, status, {})
        if status not in STATUSES:
            run.fault = "its status is unknown"
        if isinstance(ended, int):
            run.ended = ended / 1000
        elif ended is not None:
            run.fault = "its end is no time"
        runs[run_id] = run
    tags: dict[str, dict[str, str]] = {run_id: {} for run_id in runs}
    for key, value, run_id in _select(store, "key, value, run_uuid", "tags", list(runs)):
        if isinstance(key, str):
            tags[run_id][key] = value
        if not isinstance(key, str) or not isinstance(value, str):
            runs[run_id].fault = "a tag is no text"
    for run_id, run in runs.items():
        run.tags = {key: value for key, value in tags[run_id].items() if isinstance(value, str)}
    return runs


def _add_latest(store: sqlite3.Connection, runs: Mapping[str, TrialRun]) -> None:
    columns = "key, step, timestamp, value, is_nan, run_uuid"
    for key, step, time, value, is_nan, run_id in _select(
        store, columns, "latest_metrics", list(runs)
    ):
        if _is_metric(key, step, time, value):
            runs[run_id].latest[key] = decode_number(value, is_nan)
        else:
            runs[run_id].fault = METRIC_FAULT


def _add_histories(store: sqlite3.Connection, runs: Mapping[str, TrialRun]) -> None:
    columns = "key, step, timestamp, value, is_nan, run_uuid"
    for key, step, time, value, is_nan, run_id in _select(store, columns, "metrics", list(runs)):
        if _is_metric(key, step, time, value):
            entry = (step, time, decode_number(value, is_nan))
            runs[run_id].history.setdefault(key, []).append(entry)
        else:
            runs[run_id].fault = METRIC_FAULT
    for run in runs.values():
        for values in run.history.values():
            values.sort()


def _check_histories(store: sqlite3.Connection, runs: Mapping[str, TrialRun]) -> None:
    """Find the faults that reading the histories would, so that every command counts the same."""
    broken = store.execute(
        "SELECT DISTINCT run_uuid FROM metrics WHERE run_uuid IN (SELECT value FROM json_each(?)) "
        "AND (typeof(step) != 'integer' OR typeof(timestamp) != 'integer' OR "
        "typeof(value) NOT IN ('real', 'integer') OR typeof(key) != 'text')",
        (json.dumps(list(runs)),),
    )
    for (run_id,) in broken:
        runs[run_id].fault = METRIC_FAULT


METRIC_FAULT = "a metric has no number, step or name"


def _is_metric(key: Any, step: Any, time: Any, value: Any) -> bool:
    return (
        isinstance(key, str)
        and (key.isascii() or key.isprintable())
        and isinstance(step, int)
        and isinstance(time, int)
        and isinstance(value, int | float)
    )


def _select(
    store: sqlite3.Connection, columns: str, table: str, run_ids: Sequence[str]
) -> sqlite3.Cursor:
    return store.execute(
        f"SELECT {columns} FROM {table} WHERE run_uuid IN (SELECT value FROM json_each(?))",
        (json.dumps(run_ids),),
    )
