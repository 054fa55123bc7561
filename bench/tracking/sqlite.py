"""The records of a stack's trials, written together.

Many small trials that end at once would spend longer in MLflow's client, some 50 ms each, than in
training. Into the embedded SQLite store their rows go directly, as the client would write them, in
one transaction for all trials; ``tests/bench/stack/test_record.py`` compares the two. Any other
store, or one with other columns, gets a ``tracking.Recorder`` for each trial.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType

from bench.address import sqlite_path
from bench.spec import CurvePoint, Status, TrialResult, TrialSpec
from bench.tracking import client as tracking

COLUMNS = {
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time "
    "end_time deleted_time source_version lifecycle_stage artifact_uri experiment_id",
    "tags": "key value run_uuid",
    "params": "key value run_uuid",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
}
"""The tables that a run is made of, as MLflow has had them since version 2."""


def recorder(
    uri: str, specs: Sequence[TrialSpec], launcher: str
) -> ClientRecorder | SQLiteRecorder:
    """The records of trials of one study, to be used by ``with``.

    What has not finished when it is left leaves no record.
    """
    experiment = tracking.prepare(uri, specs[0].study)
    path = sqlite_path(uri)
    if path is not None and _has_columns(path):
        return SQLiteRecorder(uri, path, experiment, specs, launcher)
    return ClientRecorder(uri, specs, launcher)


def _has_columns(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as store:
        return all(
            {row[1] for row in store.execute(f"PRAGMA table_info({table})")} == set(names.split())
            for table, names in COLUMNS.items()
        )


class ClientRecorder:
    """A ``tracking.Recorder`` for each trial: any store."""

    def __init__(self, uri: str, specs: Sequence[TrialSpec], launcher: str) -> None:
        self._open = ExitStack()
        self._records = [
            self._open.enter_context(tracking.Recorder(uri, spec, launcher)) for spec in specs
        ]

    def __enter__(self) -> ClientRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def log(self, slot: int, point: CurvePoint) -> None:
        """Note one evaluation of one trial."""
        self._records[slot].log(point)

    def finish(self, slot: int, result: TrialResult) -> None:
        """Write what remains and how it ended."""
        self._records[slot].finish(result)


class SQLiteRecorder:
    """Rows into the tables of an embedded store, at most once a second."""

    def __init__(
        self, uri: str, path: Path, experiment: str, specs: Sequence[TrialSpec], launcher: str
    ) -> None:
        self._uri = uri
        self._store = sqlite3.connect(path, timeout=60)  # other processes may be writing
        self._ids = [uuid.uuid4().hex for _ in specs]
        self._unfinished = set(range(len(specs)))
        self._points: list[tuple[int, CurvePoint]] = []
        self._ended: list[tuple[int, TrialResult]] = []
        self._latest: list[dict[str, tuple[object, ...]]] = [{} for _ in specs]
        self._written_at = time.monotonic()
        self._start(experiment, specs, launcher)

    def __enter__(self) -> SQLiteRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with closing(self._store):
            self._write()
            with self._store:
                self._store.executemany(
                    "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? "
                    "WHERE run_uuid = ?",
                    [(_now(), self._ids[slot]) for slot in self._unfinished],
                )

    def log(self, slot: int, point: CurvePoint) -> None:
        """Note one evaluation of one trial."""
        self._points.append((slot, point))
        self._write_sometimes()

    def finish(self, slot: int, result: TrialResult) -> None:
        """How it ended; the last point of its curve replaces the one that was noted there."""
        self._unfinished.discard(slot)
        last = result.curve[-1].step if result.curve else 0
        self._points = [(s, p) for s, p in self._points if s != slot or p.step != last]
        self._points += [(slot, p) for p in result.curve[-1:]]
        self._points.append((slot, CurvePoint(last, result.summary)))
        self._ended.append((slot, result))
        self._write_sometimes()

    def _start(self, experiment: str, specs: Sequence[TrialSpec], launcher: str) -> None:
        (artifacts,) = self._store.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,)
        ).fetchone()
        runs, tags, params = [], [], []
        for run, spec in zip(self._ids, specs, strict=True):
            name = tracking.run_name(spec)
            state = ("UNKNOWN", "", "", "unknown", "RUNNING", _now(), None, None, "", "active")
            runs.append((run, name, *state, f"{artifacts}/{run}/artifacts", int(experiment)))
            known = {**tracking.run_tags(spec), "launcher": launcher, "mlflow.runName": name}
            tags += [(key, value, run) for key, value in known.items()]
            params += [(param.key, param.value, run) for param in tracking.run_params(spec)]
        with self._store:
            self._insert("runs", runs)
            self._insert("tags", tags)
            self._insert("params", params)

    def _write_sometimes(self) -> None:
        if time.monotonic() - self._written_at > 1.0:
            self._write()

    def _write(self) -> None:
        """Everything noted since the last time, in one transaction."""
        now = _now()
        rows = []
        for slot, point in self._points:
            run, latest = self._ids[slot], self._latest[slot]
            for name, number in point.values.items():
                value, is_nan = _stored(number)
                rows.append((name, value, now, run, point.step, is_nan))
                latest[name] = (name, value, now, point.step, is_nan, run)
        touched = {slot for slot, _ in self._points}
        with self._store:
            self._insert("metrics", rows)
            latest_rows = [row for slot in touched for row in self._latest[slot].values()]
            self._insert("latest_metrics", latest_rows)
            for slot, result in self._ended:
                self._end(self._ids[slot], result, now)
        for slot, result in self._ended:
            if result.traceback:
                tracking.attach_traceback(self._uri, self._ids[slot], result.traceback)
        self._points.clear()
        self._ended.clear()
        self._written_at = time.monotonic()

    def _end(self, run: str, result: TrialResult, now: int) -> None:
        tags = tracking.end_tags(result)
        self._insert("tags", [(key, value, run) for key, value in tags.items()])
        state = "FAILED" if result.status is Status.FAILED else "FINISHED"
        self._store.execute(
            "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", (state, now, run)
        )

    def _insert(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        names = COLUMNS[table].split()
        places = ", ".join("?" * len(names))
        self._store.executemany(
            f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({places})", rows
        )


def _stored(number: float) -> tuple[float, bool]:
    """As MLflow does, since SQL knows neither: NaN as 0 with a flag, ±∞ as the largest number."""
    if math.isnan(number):
        return 0.0, True
    return max(min(number, sys.float_info.max), -sys.float_info.max), False


def _now() -> int:
    """Milliseconds, MLflow's unit."""
    return int(time.time() * 1000)
