"""MLflow's tables in a file: the layout that the fast writer and reader rely on.

Nothing here changes the revision of a store: its owner does, by ``mlflow db upgrade``.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bench.spec import RefusedInput

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

REVISIONS = """
97727af70f4d 3500859a5d39 7f2a7d5fae7d 2d6e25af4d3e acf3f17fdcc7 867495a8f9d4 5b0e9adcef9c
4465047574b1 f5a4f2784254 0584bdc529eb 400f98739977 6953534de441 bda7b8c39065 cbc13b556ace
770bee3ae1dd a1b2c3d4e5f6 de4033877273 1a0cddfcaa16 534353b11cbc 71994744cf8e 3da73c924c2f
bf29a5ff90ea 1bd49d398cd23 b7c8d9e0f1a2 5d2d30f0abce c9d4e5f6a7b8 2c33131f4dae d3e4f5a6b7c8
d0e1f2a3b4c5 c8d9e0f1a2b3 1b5f0d9ad7c1 e1f2a3b4c5d6 76601a5f987d c3d6457b6d8a a5b4c3d2e1f0
ae8bbe7743c9 7d34483879f0 da6fb0208061 89d3d66ed43f b7e4c1a90f23 a8b9c0d1e2f3 c1d2e3f4a5b6
c3d9e7f1a2b4 6f8d9c3b2a1e 1971f2d9a75b 17e22815139b b7e2c1a4d9f3 75868b020152 dc11669786a5
""".split()  # noqa: SIM905 - as a list it would be 49 lines
"""Schema revisions of MLflow, oldest first, with these columns: from ``deleted_time`` and
``creation_time`` (MLflow 2.0) to the current one (3.17.2). ``tests/contracts/test_mlflow.py`` runs
the migrations and compares, so that a new MLflow adds its revision here after its columns fit."""

CURRENT = REVISIONS[-1]


def open_tables(path: Path) -> sqlite3.Connection:
    """Open a connection that waits for other processes to have written."""
    store = sqlite3.connect(path, timeout=60)
    store.text_factory = _decode
    return store


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a connection that changes nothing, neither rows nor bytes.

    What a process that is gone left in a write-ahead log stays there: closing the last connection
    that may write would move it into the file. Without a log, one that may only read would leave
    an empty log behind.
    """
    mode = "ro" if Path(f"{path}-wal").exists() else "rw"
    store = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", timeout=60, uri=True)
    store.text_factory = _decode
    store.execute("PRAGMA query_only = ON")
    return store


def _decode(raw: bytes) -> str:
    """Decode text; what is none comes back in a form that no other store takes."""
    return str(raw, "utf-8", "surrogateescape")


def now_ms() -> int:
    """Return milliseconds since 1970, MLflow's unit."""
    return int(time.time() * 1000)


def encode_number(number: float) -> tuple[float, bool]:
    """Encode as MLflow does, since SQL knows neither: NaN as 0 with a flag, ±∞ as ±1.8e308."""
    if math.isnan(number):
        return 0.0, True
    return max(min(number, sys.float_info.max), -sys.float_info.max), False


def decode_number(value: float, is_nan: bool) -> float:
    """Decode as MLflow does: the largest number stays what it is, for it may have been no ∞."""
    return math.nan if is_nan else float(value)


def has_tables(path: Path) -> bool:
    """Tell whether a file is there and is not empty."""
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        with closing(open_for_reading(path)) as store:
            return bool(store.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError:  # not empty; ``uri.check_file`` says what it is
        return True


def read_revision(path: Path) -> str:
    """Read the revision of a store's tables; empty where none is written."""
    with closing(open_for_reading(path)) as store:
        row = store.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])


def is_current(path: Path) -> bool:
    """Tell whether a file is a whole store of the current revision."""
    with closing(open_for_reading(path)) as store:
        (health,) = store.execute("PRAGMA integrity_check").fetchone()
        return health == "ok" and _has_columns(store) and read_revision(path) == CURRENT


def check_columns(uri: str, path: Path) -> str:
    """Return a store's revision.

    Raises:
        RefusedInput: its columns do not fit, so that it cannot even be read.
    """
    revision = read_revision(path)
    with closing(open_for_reading(path)) as store:
        if not _has_columns(store):
            raise RefusedInput(
                f"tracking.uri={uri}: its tables are of an MLflow that is not known here (schema "
                f"{revision}), and have other columns. {format_remedy(uri)}"
            )
    return revision


def format_remedy(uri: str) -> str:
    """Say how to go on with a store whose tables are not known."""
    return f"Run mlflow db upgrade {uri}, or name another store by tracking.uri="


def _has_columns(store: sqlite3.Connection) -> bool:
    tables = COLUMNS | STUDY_COLUMNS
    return all(_columns(store, name) >= set(names.split()) for name, names in tables.items())


def _columns(store: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in store.execute(f"PRAGMA table_info({table})")}


def has_write_ahead_log(path: Path) -> bool:
    """Tell whether readers do not block writers.

    Asked of SQLite, not read from the file: closing a file that this process has a connection to
    would drop the connection's locks, and another process could then damage it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    with closing(open_for_reading(path)) as store:
        return bool(store.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def write_ahead(path: Path) -> None:
    """Let readers of a store not block writers, from now on."""
    with closing(open_tables(path)) as store:
        store.execute("PRAGMA journal_mode=WAL")
