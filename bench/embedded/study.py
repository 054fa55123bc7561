"""A study in an embedded store, opened without MLflow where nothing has to be made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress

from bench.address import check_local, sqlite_path
from bench.embedded.lost import losing
from bench.embedded.rows import TrialRun, from_tables
from bench.embedded.tables import embedded, has_write_ahead_log, now, open_tables
from bench.processes import alive, on_this_machine


def opened(uri: str, study: str) -> str | None:
    """MLflow's number of a study; None where there is none, and where MLflow has to be asked.

    Whatever is wrong with the store is left to MLflow's client, which refuses it.

    Raises:
        RefusedInput: the store lies on a file system that machines share.
    """
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return None
    check_local(uri, path)
    with suppress(sqlite3.Error):
        if has_write_ahead_log(path) and embedded(uri):
            with closing(open_tables(path)) as store:
                row = store.execute(
                    "SELECT experiment_id FROM experiments WHERE name = ? "
                    "AND lifecycle_stage = 'active'",
                    (study,),
                ).fetchone()
            return None if row is None else str(row[0])
    return None


def discard_interrupted(uri: str, experiment: str) -> int:
    """Delete runs whose process is gone without ending them; returns how many.

    Raises:
        StoreLost: they cannot be read or written.
    """
    path = sqlite_path(uri)
    assert path is not None
    with losing(uri):
        gone = [run for run in from_tables(path, experiment, curves=False) if _interrupted(run)]
        with closing(open_tables(path)) as store, store:
            trash(store, [run.run_id for run in gone])
    return len(gone)


def trash(store: sqlite3.Connection, runs: Iterable[str]) -> None:
    """Into MLflow's trash, from where they can be restored; in the caller's transaction."""
    store.executemany(
        "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE run_uuid = ?",
        [(now(), run) for run in runs],
    )


def _interrupted(run: TrialRun) -> bool:
    return run.status == "RUNNING" and on_this_machine(run.tags) and not alive(run.tags)
