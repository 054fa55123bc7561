"""Changes of a SQLite store's rows, as MLflow's client would make them; the caller commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from bench.tracking.sqlite.schema import COLUMNS, now_ms


def insert(store: sqlite3.Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    """Insert rows in the order of ``COLUMNS``, each in place of one with its key."""
    names = COLUMNS[table].split()
    marks = ", ".join("?" * len(names))
    store.executemany(f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


def insert_run(
    store: sqlite3.Connection,
    run: str,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    *,
    start: int,
    end: int | None = None,
) -> None:
    """Insert a run, which has ended where ``end`` is given; both in milliseconds since 1970."""
    (files,) = store.execute(
        "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,)
    ).fetchone()
    status = "RUNNING" if end is None else "FINISHED"
    state = ("UNKNOWN", "", "", "unknown", status, start, end, None, "", "active")
    insert(store, "runs", [(run, name, *state, f"{files}/{run}/artifacts", int(experiment))])
    set_tags(store, run, {**tags, "mlflow.runName": name})


def set_tags(store: sqlite3.Connection, run: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run, in place of earlier ones."""
    insert(store, "tags", [(key, value, run) for key, value in tags.items()])


def trash(store: sqlite3.Connection, runs: Iterable[str]) -> None:
    """Move runs to MLflow's trash, from where they can be restored."""
    store.executemany(
        "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE run_uuid = ?",
        [(now_ms(), run) for run in runs],
    )
