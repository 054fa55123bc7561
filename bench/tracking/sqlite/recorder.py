"""Recorder of many trials together, as rows of a SQLite store.

Many small trials that end at once would spend longer in MLflow's client, some 50 ms each, than in
training. Here their rows go directly, as the client would write them, in one transaction for all
trials; ``tests/bench/tracking/sqlite/test_recorder.py`` compares the two.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType

from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.tracking import claims
from bench.tracking.errors import store_errors
from bench.tracking.naming import name_run
from bench.tracking.sqlite.read import read_claims
from bench.tracking.sqlite.schema import encode_number, now_ms, open_tables
from bench.tracking.sqlite.write import insert, insert_run, set_tags, trash
from bench.tracking.tags import (
    make_end_tags,
    make_params,
    make_start_tags,
    to_logged_curve,
    to_mlflow_status,
    to_timestamp,
)

PutText = Callable[[str, str, str], None]
"""Keeps a text file with a run: the run's id, the file's name, the text."""


class SQLiteRecorder:
    """Rows into MLflow's tables, at most once a second; see ``bench.tracking.recorder``.

    Args:
        path, experiment: the store's file, and MLflow's number of the study in it.
        put_text: where the traceback of a trial that raised goes.
    """

    def __init__(
        self,
        uri: str,
        path: Path,
        experiment: str,
        specs: Sequence[TrialSpec],
        launcher: str,
        put_text: PutText,
    ) -> None:
        self._uri, self._specs, self._launcher = uri, specs, launcher
        self._experiment, self._put_text = experiment, put_text
        self._store = open_tables(path)
        # 64 MiB of pages: rows of a large study go all over its tables, which outgrow the usual two
        self._store.execute("PRAGMA cache_size = -65536")
        self._start_time = 0
        self._ids = [_make_id() for _ in specs]
        self.slots: list[int] = []
        self._unfinished: set[int] = set()
        self._points: list[tuple[int, CurvePoint]] = []
        self._logged: list[set[int]] = [set() for _ in specs]
        self._ended: list[tuple[int, TrialResult]] = []
        self._latest: list[dict[str, tuple[object, ...]]] = [{} for _ in specs]
        self._written_at = time.monotonic()

    def __enter__(self) -> SQLiteRecorder:
        with store_errors(self._uri):
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with closing(self._store), store_errors(self._uri):
            self._write()
            with self._store:
                trash(self._store, (self._ids[slot] for slot in self._unfinished))

    def log(self, slot: int, point: CurvePoint) -> None:
        """Record one evaluation of one trial."""
        self._points.append((slot, point))
        self._logged[slot].add(point.step)
        self._write_if_due()

    def finish(self, slot: int, result: TrialResult) -> None:
        """Record the end; the last point of the curve replaces the one that was logged before."""
        self._unfinished.discard(slot)
        curve = to_logged_curve(result)
        last = curve[-1].step if curve else 0
        self._points = [(s, p) for s, p in self._points if s != slot or p.step != last]
        rest = [p for p in curve[:-1] if p.step not in self._logged[slot]]
        self._points += [(slot, p) for p in (*rest, *curve[-1:])]
        self._ended.append((slot, result))
        self._write_if_due()

    def _start(self) -> None:
        self._start_time = now_ms()
        with self._store:
            self._store.execute("BEGIN IMMEDIATE")  # nobody claims between the look and the claim
            hashes = [spec.config_hash for spec in self._specs]
            known = read_claims(self._store, self._experiment, hashes)
            self.slots = claims.find_unclaimed(known, self._specs)
            self._claim()
        self._unfinished = set(self.slots)

    def _claim(self) -> None:
        for slot in self.slots:
            run, spec = self._ids[slot], self._specs[slot]
            tags, at = make_start_tags(spec, self._launcher), self._start_time
            insert_run(self._store, run, self._experiment, name_run(spec), tags, start=at)
            params = [(key, value, run) for key, value in make_params(spec).items()]
            insert(self._store, "params", params)

    def _write_if_due(self) -> None:
        if time.monotonic() - self._written_at > 1.0:
            with store_errors(self._uri):
                self._write()

    def _write(self) -> None:
        """Write everything since the last time, in one transaction."""
        rows = []
        for slot, point in self._points:
            run, latest = self._ids[slot], self._latest[slot]
            at = to_timestamp(self._start_time, point.values)
            for name, number in point.values.items():
                value, is_nan = encode_number(number)
                rows.append((name, value, at, run, point.step, is_nan))
                latest[name] = (name, value, at, point.step, is_nan, run)
        touched = {slot for slot, _ in self._points}
        with self._store:
            insert(self._store, "metrics", rows)
            latest_rows = [row for slot in touched for row in self._latest[slot].values()]
            insert(self._store, "latest_metrics", latest_rows)
            for slot, result in self._ended:
                self._end(slot, result)
        for slot, result in self._ended:
            if result.traceback:
                self._put_text(self._ids[slot], "traceback.txt", result.traceback)
        self._points.clear()
        self._ended.clear()
        self._written_at = time.monotonic()

    def _end(self, slot: int, result: TrialResult) -> None:
        run, spec = self._ids[slot], self._specs[slot]
        set_tags(self._store, run, make_end_tags(result))
        self._store.execute(
            "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?",
            (to_mlflow_status(result), to_timestamp(self._start_time, result.summary), run),
        )
        if spec.context.fresh and result.status in claims.RESULTS:
            known = read_claims(self._store, self._experiment, [spec.config_hash])
            trash(self._store, claims.find_replaced(known, run, spec.context.generation))


def _make_id() -> str:
    """Make a run's id that begins with the time, as UUIDs of version 7 do (RFC 9562).

    A new trial's rows then stand at the end of every index, and cost in a large study what they
    cost in a small.
    """
    return f"{now_ms():012x}{uuid.uuid4().hex[12:]}"
