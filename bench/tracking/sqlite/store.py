"""A store in a file of this machine, without MLflow: its tables are read and written as they are.

``tests/bench/tracking/test_stores.py`` compares it with MLflow's own client on the same file.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from bench.spec import RefusedInput, TrialSpec
from bench.tracking.errors import losing
from bench.tracking.sqlite.read import TrialRun, from_tables
from bench.tracking.sqlite.recorder import SQLiteRecorder
from bench.tracking.sqlite.schema import now, open_tables, to_stored
from bench.tracking.sqlite.write import insert, insert_run, set_tags, trash
from bench.tracking.store import (
    TRAINING,
    Recorder,
    Study,
    artifacts,
    found_or_made,
    in_trash,
)


class EmbeddedStore:
    """Tables of an existing file; see ``bench.tracking.store.Store``."""

    def __init__(self, uri: str, path: Path) -> None:
        self.uri, self._path = uri, path

    def study(self, name: str) -> Study | None:
        with self._tables() as store:
            found = store.execute(
                "SELECT experiment_id, lifecycle_stage, artifact_location FROM experiments "
                "WHERE name = ?",
                (name,),
            ).fetchone()
            if found is None:
                return None
            number, stage, files = found
            if stage == "deleted":
                raise in_trash(self.uri, name, number)
            if urlsplit(files).scheme not in ("", "file"):
                raise RefusedInput(
                    f"study={name}: its files are kept at {files}, as another program has set it "
                    f"in {self.uri}; take another name, or track to an MLflow server"
                )
            asked = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?"
            return Study(str(number), dict(store.execute(asked, (number,))))

    def make_study(self, name: str) -> str:
        with self._tables() as store:
            made = store.execute(
                "INSERT OR IGNORE INTO experiments (name, artifact_location, lifecycle_stage, "
                "creation_time, last_update_time) VALUES (?, ?, 'active', ?, ?)",
                (name, artifacts(self._path.parent, name), now(), now()),
            )
            (number,) = store.execute(
                "SELECT experiment_id FROM experiments WHERE name = ?", (name,)
            ).fetchone()
            if made.rowcount:
                _tag_study(store, number, TRAINING)
        return str(number)

    def studies(self) -> list[str]:
        with self._tables() as store:
            rows = store.execute(
                "SELECT name FROM experiments WHERE lifecycle_stage = 'active'"
            ).fetchall()
        return sorted(name for (name,) in rows if name != "Default")

    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        with self._tables() as store:
            _tag_study(store, study, tags)

    def trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        with losing(self.uri):
            found = from_tables(self._path, study, curves=curves, hashes=hashes)
        return [
            run
            for run in found
            if job in (None, run.tags.get("job")) and (run.status == "RUNNING" or not running)
        ]

    def trash(self, runs: Iterable[str]) -> None:
        with self._tables() as store:
            trash(store, runs)

    def summary(self, study: str) -> str | None:
        with self._tables() as store:
            found = store.execute(
                "SELECT run_uuid FROM runs JOIN tags USING (run_uuid) WHERE experiment_id = ? AND "
                "lifecycle_stage = 'active' AND key = 'kind' AND tags.value = 'summary' "
                "ORDER BY start_time DESC, run_uuid",
                (int(study),),
            ).fetchone()
        return None if found is None else str(found[0])

    def make_summary(self, study: str, name: str) -> str:
        run, at = uuid.uuid4().hex, now()
        with self._tables() as store:
            tags = {"kind": "summary", "study": name}
            insert_run(store, run, study, "summary", tags, start=at, end=at)
        return run

    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        at = now()
        rows = [(name, *to_stored(number)) for name, number in metrics.items()]
        with self._tables() as store:
            set_tags(store, run, tags)
            insert(store, "metrics", [(name, one, at, run, 0, nan) for name, one, nan in rows])
            latest = [(name, one, at, 0, nan, run) for name, one, nan in rows]
            insert(store, "latest_metrics", latest)

    def put_text(self, run: str, name: str, text: str) -> None:
        with self._files(run) as folder:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")

    def put_folder(self, run: str, folder: Path, name: str) -> None:
        with self._files(run) as kept:
            shutil.copytree(folder, kept / name, dirs_exist_ok=True)

    def holds(self, run: str, name: str) -> bool:
        with self._files(run) as folder:
            return (folder / name).exists()

    def text(self, run: str, name: str) -> str | None:
        with self._files(run) as folder:
            path = folder / name
            return path.read_text("utf-8") if path.is_file() else None

    def recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        number = found_or_made(self, study)
        return SQLiteRecorder(self.uri, self._path, number, specs, launcher, self.put_text)

    @contextmanager
    def _tables(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with losing(self.uri), closing(open_tables(self._path)) as store, store:
            yield store

    @contextmanager
    def _files(self, run: str) -> Iterator[Path]:
        """The folder of a run's files."""
        with self._tables() as store:
            asked = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
            (uri,) = store.execute(asked, (run,)).fetchone()
        with losing(self.uri):
            yield Path(url2pathname(urlsplit(uri).path))


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
