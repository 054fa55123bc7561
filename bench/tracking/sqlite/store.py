"""Store in a file of this machine: its tables are read and written without MLflow.

``tests/bench/tracking/test_stores.py`` compares it with MLflow's own client on the same file.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from bench.spec import RefusedInput, TrialSpec
from bench.tracking.errors import ReadOnlyStore, store_errors
from bench.tracking.sqlite.read import read_trials
from bench.tracking.sqlite.recorder import SQLiteRecorder
from bench.tracking.sqlite.schema import (
    CURRENT,
    REVISIONS,
    encode_number,
    format_remedy,
    has_write_ahead_log,
    now_ms,
    open_for_reading,
    open_tables,
    write_ahead,
)
from bench.tracking.sqlite.write import insert, insert_run, set_tags, trash
from bench.tracking.store import (
    STUDY_TAGS,
    Recorder,
    Study,
    TrialRun,
    ensure_study,
    make_artifact_uri,
    make_trash_error,
)
from bench.tracking.tags import GENERATION, decode_generation
from bench.tracking.uri import sqlite_path


class SQLiteStore:
    """Tables of an existing file; see ``bench.tracking.store.Store``.

    Attributes:
        notice: one line for the user where the revision of the tables is not the current one.
    """

    def __init__(self, uri: str, path: Path, revision: str) -> None:
        self.uri, self._path, self._revision = uri, path, revision
        self.notice = ""
        if revision not in REVISIONS:
            self.notice = (
                f"store {sqlite_path(uri)}: made by an MLflow that is not known here (schema "
                f"{revision}). It is only read: nothing is recorded in it or attached to it."
            )
        elif revision != CURRENT:
            self.notice = (
                f"store {sqlite_path(uri)}: made by an older MLflow (schema {revision}). It is "
                f"used as it is; mlflow db upgrade {uri} would update it."
            )

    def check_writable(self) -> None:
        """Refuse a store whose tables are not known."""
        if self._revision not in REVISIONS:
            raise ReadOnlyStore(
                f"tracking.uri={self.uri}: made by an MLflow that is not known here (schema "
                f"{self._revision}), so nothing is recorded in it. {format_remedy(self.uri)}"
            )

    def find_study(self, name: str) -> Study | None:
        with self._tables() as store:
            row = store.execute(
                "SELECT experiment_id, lifecycle_stage, artifact_location FROM experiments "
                "WHERE name = ?",
                (name,),
            ).fetchone()
            if row is None:
                return None
            number, stage, files = row
            if stage == "deleted":
                raise make_trash_error(self.uri, name, number)
            if urlsplit(str(files or "")).scheme not in ("", "file"):
                raise RefusedInput(
                    f"study={name}: its files are kept at {files}, as another program has set it "
                    f"in {self.uri}; take another name, or track to an MLflow server"
                )
            query = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?"
            return Study(str(number), dict(store.execute(query, (number,))))

    def create_study(self, name: str) -> str:
        with self._tables(writes=True) as store:
            cursor = store.execute(
                "INSERT OR IGNORE INTO experiments (name, artifact_location, lifecycle_stage, "
                "creation_time, last_update_time) VALUES (?, ?, 'active', ?, ?)",
                (name, make_artifact_uri(self._path.parent, name), now_ms(), now_ms()),
            )
            (number,) = store.execute(
                "SELECT experiment_id FROM experiments WHERE name = ?", (name,)
            ).fetchone()
            if cursor.rowcount:
                _tag_study(store, number, STUDY_TAGS)
        return str(number)

    def list_studies(self) -> list[str]:
        with self._tables() as store:
            rows = store.execute(
                "SELECT name FROM experiments WHERE lifecycle_stage = 'active'"
            ).fetchall()
        names = (str(name).encode("utf-8", "backslashreplace").decode() for (name,) in rows)
        return sorted(name for name in names if name != "Default")

    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        with self._tables(writes=True) as store:
            _tag_study(store, study, tags)

    def read_trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        with store_errors(self.uri):
            runs = read_trials(self._path, study, curves=curves, hashes=hashes)
        return [
            run
            for run in runs
            if job in (None, run.tags.get("job")) and (run.status == "RUNNING" or not running)
        ]

    def find_generation(self, study: str) -> int:
        with self._tables() as store:
            rows = store.execute(
                "SELECT DISTINCT value FROM tags JOIN runs USING (run_uuid) "
                "WHERE key = ? AND experiment_id = ?",
                (GENERATION, int(study)),
            ).fetchall()
        return max((decode_generation({GENERATION: value}) for (value,) in rows), default=0)

    def trash(self, runs: Iterable[str]) -> None:
        with self._tables(writes=True) as store:
            trash(store, runs)

    def find_summary(self, study: str) -> str | None:
        with self._tables() as store:
            row = store.execute(
                "SELECT run_uuid FROM runs JOIN tags USING (run_uuid) WHERE experiment_id = ? AND "
                "lifecycle_stage = 'active' AND key = 'kind' AND tags.value = 'summary' "
                "ORDER BY start_time DESC, run_uuid",
                (int(study),),
            ).fetchone()
        return None if row is None else str(row[0])

    def create_summary(self, study: str, name: str) -> str:
        run, at = uuid.uuid4().hex, now_ms()
        with self._tables(writes=True) as store:
            tags = {"kind": "summary", "study": name}
            insert_run(store, run, study, "summary", tags, start=at, end=at)
        return run

    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        at = now_ms()
        rows = [(name, *encode_number(number)) for name, number in metrics.items()]
        with self._tables(writes=True) as store:
            set_tags(store, run, tags)
            insert(store, "metrics", [(name, one, at, run, 0, nan) for name, one, nan in rows])
            latest = [(name, one, at, 0, nan, run) for name, one, nan in rows]
            insert(store, "latest_metrics", latest)

    def put_text(self, run: str, name: str, text: str) -> None:
        with self._files(run, writes=True) as folder:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")

    def put_folder(self, run: str, folder: Path, name: str) -> None:
        with self._files(run, writes=True) as files:
            shutil.copytree(folder, files / name, dirs_exist_ok=True)

    def has_file(self, run: str, name: str) -> bool:
        with self._files(run) as folder:
            return (folder / name).exists()

    def read_text(self, run: str, name: str) -> str | None:
        with self._files(run) as folder:
            path = folder / name
            return path.read_text("utf-8", errors="replace") if path.is_file() else None

    def open_recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        self.check_writable()
        if not has_write_ahead_log(self._path):
            with FileLock(f"{self._path}.lock"):  # MLflow made it
                write_ahead(self._path)
        number = ensure_study(self, study)
        return SQLiteRecorder(self.uri, self._path, number, specs, launcher, self.put_text)

    @contextmanager
    def _tables(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """Open one transaction."""
        if writes:
            self.check_writable()
        opened = open_tables if writes else open_for_reading
        with store_errors(self.uri), closing(opened(self._path)) as store, store:
            yield store

    @contextmanager
    def _files(self, run: str, *, writes: bool = False) -> Iterator[Path]:
        """Open the folder of a run's files."""
        with self._tables(writes=writes) as store:
            query = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
            row = store.execute(query, (run,)).fetchone()
        # somebody may have taken it out: then there is no such folder
        uri = str(row[0]) if row and row[0] else make_artifact_uri(self._path.parent, run)
        with store_errors(self.uri):
            yield Path(unquote(urlsplit(uri).path))


def _tag_study(store: sqlite3.Connection, study: str, tags: Mapping[str, str | None]) -> None:
    for key, value in tags.items():
        if value is None:
            store.execute(
                "DELETE FROM experiment_tags WHERE experiment_id = ? AND key = ?", (study, key)
            )
        else:
            store.execute(
                "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) "
                "VALUES (?, ?, ?)",
                (key, value, study),
            )
