"""No file of a store is opened but by SQLite: closing it would drop this process's locks."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from bench.spec import TrialSpec
from bench.tracking import find_result
from bench.tracking.sqlite.schema import open_tables
from bench.tracking.uri import check_file, sqlite_path
from tests.helpers.specs import trial_spec

ANOTHER = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.execute("CREATE TABLE IF NOT EXISTS another (x)")
store.commit()
store.close()
"""


def test_looking_at_a_store_leaves_the_locks_of_an_open_connection(uri: str) -> None:
    """Another process that closes last would delete the log that this one still writes to."""
    spec: TrialSpec = trial_spec()
    path = sqlite_path(uri)
    assert path is not None
    log = path.with_name(f"{path.name}-wal")
    with closing(open_tables(path)) as store:
        store.execute("SELECT count(*) FROM runs").fetchone()
        for _ in range(3):
            find_result(uri, spec.context.study, spec.config_hash)
            check_file(uri, path)
        subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True)
        assert Path(log).exists()
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
