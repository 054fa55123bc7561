"""MLflow's tables in an embedded store: the layout that the fast writer and reader rely on."""

from __future__ import annotations

import math
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from bench.tracking.uri import sqlite_path

COLUMNS = {
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time "
    "end_time deleted_time source_version lifecycle_stage artifact_uri experiment_id",
    "tags": "key value run_uuid",
    "params": "key value run_uuid",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
}
"""The tables that a run is made of, as MLflow has had them since version 2."""

STUDY_COLUMNS = {
    "experiments": "experiment_id name artifact_location lifecycle_stage creation_time "
    "last_update_time",
    "experiment_tags": "key value experiment_id",
}
"""Of the tables of studies what is used here; later versions have more, which has defaults."""


def embedded(uri: str) -> Path | None:
    """The file of an existing embedded store with these tables; None for any other store."""
    path = sqlite_path(uri)
    return path if path is not None and _has_columns(path) else None


def open_tables(path: Path) -> sqlite3.Connection:
    """A connection that waits for other processes to have written."""
    return sqlite3.connect(path, timeout=60)


def now() -> int:
    """Milliseconds since 1970, MLflow's unit."""
    return int(time.time() * 1000)


def to_stored(number: float) -> tuple[float, bool]:
    """As MLflow does, since SQL knows neither: NaN as 0 with a flag, ±∞ as the largest number."""
    if math.isnan(number):
        return 0.0, True
    return max(min(number, sys.float_info.max), -sys.float_info.max), False


def from_stored(value: float, is_nan: bool) -> float:
    """As MLflow reads: the largest number stays what it is, for it may have been no ∞."""
    return math.nan if is_nan else float(value)


def _has_columns(path: Path) -> bool:
    with closing(open_tables(path)) as store:
        return all(_columns(store, name) == set(own.split()) for name, own in COLUMNS.items()) and (
            all(_columns(store, name) >= set(own.split()) for name, own in STUDY_COLUMNS.items())
        )


def _columns(store: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in store.execute(f"PRAGMA table_info({table})")}


def has_write_ahead_log(path: Path) -> bool:
    """Whether a store is complete: the mode is set last.

    Asked of SQLite, not read from the file: closing a file that this process has a connection to
    would drop the connection's locks, and another process could then damage it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    if not path.is_file() or not path.stat().st_size:
        return False
    with closing(open_tables(path)) as store:
        return bool(store.execute("PRAGMA journal_mode").fetchone()[0] == "wal")
