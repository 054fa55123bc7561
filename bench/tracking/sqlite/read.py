"""Trials of a SQLite store as plain data, by a handful of queries and without MLflow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from bench.tracking.sqlite.schema import decode_number, open_tables
from bench.tracking.store import TRIAL_TAGS, TrialRun


def read_trials(
    path: Path, experiment: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """Read the trials of a study; histories of metrics only where curves are asked for."""
    with closing(open_tables(path)) as store:
        runs = _read_tagged(store, experiment)
        if hashes is not None:
            runs = {k: run for k, run in runs.items() if run.tags.get("config_hash") in hashes}
        for key, value, is_nan, run_id in _select(
            store, "key, value, is_nan, run_uuid", "latest_metrics", list(runs)
        ):
            runs[run_id].latest[key] = decode_number(value, is_nan)
        if curves:
            _add_histories(store, runs)
    return list(runs.values())


def read_claims(
    store: sqlite3.Connection, experiment: str, hashes: Collection[str]
) -> list[TrialRun]:
    """Read the runs with one of these hashes, inside the caller's transaction."""
    rows = store.execute(
        "SELECT runs.run_uuid, status, end_time, tags.value FROM tags JOIN runs USING (run_uuid) "
        "WHERE key = 'config_hash' AND tags.value IN (SELECT value FROM json_each(?)) "
        "AND experiment_id = ? AND lifecycle_stage = 'active'",
        (json.dumps(list(hashes)), int(experiment)),
    ).fetchall()
    runs = []
    for run_id, status, ended, key in rows:
        tags = dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,)))
        tags["config_hash"] = key
        runs.append(TrialRun(run_id, status, tags, ended=(ended or 0) / 1000))
    return runs


def _read_tagged(store: sqlite3.Connection, experiment: str) -> dict[str, TrialRun]:
    """Read the trials with their tags, in the order of MLflow's client."""
    rows = store.execute(
        "SELECT run_uuid, status, end_time FROM runs JOIN tags USING (run_uuid) "
        "WHERE experiment_id = ? AND lifecycle_stage = 'active' "
        "AND key = 'kind' AND tags.value = 'trial' ORDER BY start_time DESC, run_uuid",
        (int(experiment),),
    ).fetchall()
    tags: dict[str, dict[str, str]] = {run_id: {} for run_id, *_ in rows}
    for key, value, run_id in _select(store, "key, value, run_uuid", "tags", list(tags)):
        tags[run_id][key] = value
    return {
        run_id: TrialRun(run_id, status, tags[run_id], ended=(ended or 0) / 1000)
        for run_id, status, ended in rows
        if tags[run_id].keys() >= TRIAL_TAGS
    }


def _add_histories(store: sqlite3.Connection, runs: Mapping[str, TrialRun]) -> None:
    columns = "key, step, timestamp, value, is_nan, run_uuid"
    for key, step, time, value, is_nan, run_id in _select(store, columns, "metrics", list(runs)):
        entry = (step, time, decode_number(value, is_nan))
        runs[run_id].history.setdefault(key, []).append(entry)
    for run in runs.values():
        for values in run.history.values():
            values.sort()


def _select(
    store: sqlite3.Connection, columns: str, table: str, run_ids: Sequence[str]
) -> sqlite3.Cursor:
    return store.execute(
        f"SELECT {columns} FROM {table} WHERE run_uuid IN (SELECT value FROM json_each(?))",
        (json.dumps(run_ids),),
    )
