"""The trials of an embedded store as plain data, by a handful of queries and without MLflow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.tracking.sqlite.schema import from_stored, open_tables

OURS = {"config_hash", "status", "config", "point", "study"}
"""Tags of every trial: a run without them was written by somebody else, and is left alone."""

Value = tuple[int, int, float]
"""Step, timestamp in ms, value: one thing that was logged of a metric."""


@dataclass
class TrialRun:
    """What MLflow holds of one trial.

    Attributes:
        status: MLflow's own, e.g. ``RUNNING``.
        latest: the last value of each metric.
        history: everything that was logged of each metric, in the order of steps and time;
            empty where it was not asked for.
        ended: seconds since 1970; 0 while it runs.
        alive: when its process last said that it is there (``bench.tracking.server.heartbeat``), likewise; 0
            where that is not asked, or it never did.
    """

    run_id: str
    status: str
    tags: Mapping[str, str]
    latest: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[Value]] = field(default_factory=dict)
    ended: float = 0.0
    alive: float = 0.0


def from_tables(
    path: Path, experiment: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """Of an embedded store."""
    with closing(open_tables(path)) as store:
        found = _tagged(store, experiment)
        if hashes is not None:
            found = {k: run for k, run in found.items() if run.tags.get("config_hash") in hashes}
        for key, value, is_nan, run_id in _of(
            store, "key, value, is_nan, run_uuid", "latest_metrics", list(found)
        ):
            found[run_id].latest[key] = from_stored(value, is_nan)
        if curves:
            _add_histories(store, found)
    return list(found.values())


def _tagged(store: sqlite3.Connection, experiment: str) -> dict[str, TrialRun]:
    """The trials with their tags, in the order of MLflow's client."""
    rows = store.execute(
        "SELECT run_uuid, status, end_time FROM runs JOIN tags USING (run_uuid) "
        "WHERE experiment_id = ? AND lifecycle_stage = 'active' "
        "AND key = 'kind' AND tags.value = 'trial' ORDER BY start_time DESC, run_uuid",
        (int(experiment),),
    ).fetchall()
    tags: dict[str, dict[str, str]] = {run_id: {} for run_id, *_ in rows}
    for key, value, run_id in _of(store, "key, value, run_uuid", "tags", list(tags)):
        tags[run_id][key] = value
    return {
        run_id: TrialRun(run_id, status, tags[run_id], ended=(ended or 0) / 1000)
        for run_id, status, ended in rows
        if tags[run_id].keys() >= OURS
    }


def _add_histories(store: sqlite3.Connection, found: Mapping[str, TrialRun]) -> None:
    columns = "key, step, timestamp, value, is_nan, run_uuid"
    for key, step, time, value, is_nan, run_id in _of(store, columns, "metrics", list(found)):
        logged = (step, time, from_stored(value, is_nan))
        found[run_id].history.setdefault(key, []).append(logged)
    for run in found.values():
        for values in run.history.values():
            values.sort()


def _of(
    store: sqlite3.Connection, columns: str, table: str, run_ids: Sequence[str]
) -> sqlite3.Cursor:
    """Rows of these runs."""
    return store.execute(
        f"SELECT {columns} FROM {table} WHERE run_uuid IN (SELECT value FROM json_each(?))",
        (json.dumps(run_ids),),
    )
