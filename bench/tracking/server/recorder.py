"""Recorder of trials by MLflow's client.

A trial is one top-level run. A run exists from the trial's start, so that its curves can be
watched; one that was interrupted is deleted, never counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.tracking import claims
from bench.tracking.naming import name_run
from bench.tracking.owner import identify
from bench.tracking.server import heartbeat
from bench.tracking.server.errors import store_errors
from bench.tracking.sqlite.schema import now_ms
from bench.tracking.store import Store, TrialRun, ensure_study
from bench.tracking.tags import (
    RUNNING,
    make_end_tags,
    make_params,
    make_start_tags,
    to_logged_curve,
    to_mlflow_status,
    to_timestamp,
)

METRICS_A_BATCH = 900
"""MLflow takes a thousand entities at once, tags included."""
POLL = 0.2
"""Seconds between looks at a claim that another machine makes as well."""


class ClientRecorder:
    """Recorder of trials, each a run of its own; see ``bench.tracking.store.Recorder``."""

    def __init__(
        self,
        store: Store,
        client: MlflowClient,
        study: str,
        specs: Sequence[TrialSpec],
        launcher: str,
    ) -> None:
        self._store, self._client, self._study = store, client, study
        self._specs, self._launcher = specs, launcher
        self.slots: list[int] = []
        self._runs: dict[int, _Run] = {}
        self._open = ExitStack()

    def __enter__(self) -> ClientRecorder:
        store, hashes = self._store, [spec.config_hash for spec in self._specs]
        lock = claims.lock_claims(store.uri, self._study)
        with store_errors(store.uri), ExitStack() as entered, lock:
            study = ensure_study(store, self._study)
            entered.enter_context(heartbeat.keep_beating(store, study))
            known = store.read_trials(study, hashes=hashes)
            for slot in claims.find_unclaimed(known, self._specs):
                run = _Run(store, self._client, study, self._specs[slot], self._launcher)
                self._runs[slot] = entered.enter_context(run)
            self._decide_claims(study)
            self.slots = list(self._runs)
            self._open = entered.pop_all()
        return self

    def _decide_claims(self, study: str) -> None:
        """Keep the runs of trials that this machine has, where others make runs of them too."""
        waiting = dict(self._runs)
        while waiting:
            rivals = self._find_rivals(study, waiting)
            for slot, run in list(waiting.items()):
                has = claims.decide_claim(run.id, rivals[self._specs[slot].config_hash])
                if has:
                    run.begin()
                elif has is False:
                    self._runs.pop(slot).delete()
                if has is not None:
                    del waiting[slot]
            if waiting:
                time.sleep(POLL)

    def _find_rivals(self, study: str, slots: Mapping[int, _Run]) -> dict[str, list[TrialRun]]:
        """Return the other runs of these trials by ``config_hash``; delete those made twice.

        A server that went away in the middle of an answer may have made a run of which this process
        never heard.
        """
        local = {run.id for run in slots.values()}
        rivals: dict[str, list[TrialRun]] = {self._specs[at].config_hash: [] for at in slots}
        asked = {self._specs[at].config_hash: self._specs[at].context for at in slots}
        me = identify().items()
        for run in self._store.read_trials(study, hashes=list(rivals)):
            key = run.config_hash
            stale = claims.is_result(run) and not asked[key].can_reuse(run.generation)
            if run.run_id in local or stale:
                continue
            if run.status == "RUNNING" and me <= run.tags.items():
                self._store.trash([run.run_id])
            else:
                rivals[key].append(run)
        return rivals

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with store_errors(self._store.uri):
            self._open.__exit__(kind, error, trace)

    def log(self, slot: int, point: CurvePoint) -> None:
        """Record one evaluation of one trial."""
        with store_errors(self._store.uri):
            self._runs[slot].log(point)

    def finish(self, slot: int, result: TrialResult) -> None:
        """Write what remains and the result."""
        with store_errors(self._store.uri):
            self._runs[slot].finish(result)


class _Run:
    """Run of one trial. Points are sent in batches, at most one a second."""

    def __init__(
        self, store: Store, client: MlflowClient, study: str, spec: TrialSpec, launcher: str
    ) -> None:
        self._store, self._client, self._study = store, client, study
        self._spec = spec
        self._buffer: list[CurvePoint] = []
        self._sent: set[int] = set()
        self._sent_at = time.monotonic()
        self._finished = False
        self._start = now_ms()
        tags = make_start_tags(spec, launcher) | {"status": claims.CLAIMING}
        run = self._client.create_run(study, self._start, tags, name_run(spec))
        self.id = str(run.info.run_id)

    def __enter__(self) -> _Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            self.delete()

    def begin(self) -> None:
        """Say that this process has the trial."""
        params = [Param(name, value) for name, value in make_params(self._spec).items()]
        self._client.log_batch(self.id, params=params, tags=[RunTag("status", RUNNING)])

    def delete(self) -> None:
        """Delete the run, as if it had not been made."""
        self._finished = True
        self._client.delete_run(self.id)

    def log(self, point: CurvePoint) -> None:
        self._buffer.append(point)
        if time.monotonic() - self._sent_at > 1.0:
            self._send(self._buffer)

    def finish(self, result: TrialResult) -> None:
        curve = to_logged_curve(result)
        last = curve[-1:]  # it has grown since it was noted: the test split
        rest = [point for point in curve[:-1] if point.step not in self._sent]
        if result.traceback:
            self._store.put_text(self.id, "traceback.txt", result.traceback)
        self._send([*rest, *last], make_end_tags(result))
        self._client.set_terminated(
            self.id, to_mlflow_status(result), to_timestamp(self._start, result.summary)
        )
        self._finished = True
        context = self._spec.context
        if context.fresh and result.status in claims.RESULTS:
            hashes = [self._spec.config_hash]
            known = self._store.read_trials(self._study, hashes=hashes)
            self._store.trash(claims.find_replaced(known, self.id, context.generation))

    def _send(self, points: Sequence[CurvePoint], tags: Mapping[str, str] | None = None) -> None:
        run_tags = [RunTag(name, value) for name, value in (tags or {}).items()]
        metrics = [
            Metric(name, value, to_timestamp(self._start, point.values), point.step)
            for point in points
            for name, value in point.values.items()
        ]
        size = METRICS_A_BATCH
        batches = [metrics[start : start + size] for start in range(0, len(metrics), size)] or [[]]
        for at, batch in enumerate(batches):
            last = at == len(batches) - 1
            self._client.log_batch(self.id, metrics=batch, tags=run_tags if last else ())
        self._sent |= {point.step for point in points}
        self._buffer.clear()
        self._sent_at = time.monotonic()
