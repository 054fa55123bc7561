"""Sweeps on a cluster: an engine of another package runs their jobs, each a part of the trials.

An engine carries jobs and says which are gone; it knows nothing of trials. A job that dies costs
the trials that it had not recorded: they have failed, and the next call runs them.
"""

from __future__ import annotations

import math
import os
import sys
import time
import uuid
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol

from bench import tracking
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.stack import heuristics
from bench.sweeps import execute, progress
from bench.sweeps.grouping import group_alike, split_evenly
from bench.sweeps.launchers.base import can_share_machine
from bench.sweeps.launchers.cluster_job import ClusterJob, JobResult
from bench.sweeps.launchers.stacked import StackedLauncher
from bench.sweeps.progress import OnTrialEnd
from bench.tracking.uri import sqlite_path

POLL_S = 0.5
"""Seconds between looks at the jobs."""
END_S = 20.0
"""Seconds that jobs have to end when the sweep is ended."""


class Engine(Protocol):
    """The abilities of a cluster; a handle is whatever ``submit`` returns for a job.

    Attributes:
        slots: jobs that run at the same time; None where that is unknown.
        queues: more jobs can be submitted than run at once.
    """

    slots: int | None
    queues: bool

    def submit(self, jobs: Sequence[ClusterJob]) -> Sequence[Any]:
        """Start jobs; return a handle for each."""

    def done(self, handle: Any) -> bool:
        """Say if a job has ended, in any way."""

    def result(self, handle: Any) -> JobResult:
        """Return the result of a job that is done. Raises anything that says why it died."""

    def cancel(self, handle: Any) -> None:
        """End a job soon; it need not have ended on return."""


class ClusterLauncher(StackedLauncher):
    """A Hydra launcher over an engine.

    Args:
        trials_per_job: at the most; None: as many as keep the whole cluster busy, up to
            ``heuristics.MAX_JOB``.
    """

    name = ""
    trials_per_job: int | None

    @abstractmethod
    def engine(self) -> AbstractContextManager[Engine]:
        """Open the cluster.

        Raises:
            RefusedInput: its package is not installed, or it cannot be reached.
        """

    @property
    @abstractmethod
    def cores(self) -> int:
        """CPU cores of a job."""

    @property
    @abstractmethod
    def elsewhere(self) -> bool:
        """Jobs may run on other machines."""

    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        uri = self._resolve_uri()
        if self.trials_per_job is not None and self.trials_per_job < 1:
            raise RefusedInput(
                f"hydra.launcher.trials_per_job={self.trials_per_job}: not a positive number"
            )
        with self.engine() as engine:
            groups = divide(specs, self.trials_per_job or _limit_job(len(specs), engine.slots))
            jobs = [self._make_job(at, specs, group, uri) for at, group in enumerate(groups)]
            progress.say(f"{len(specs)} trials in {len(jobs)} jobs of {self.name}")
            results: dict[int, TrialResult] = {}
            for at, ended in JobPool(engine, jobs, self.name).run():
                for index, one in zip(groups[at], ended, strict=True):
                    results[index] = one
                    on_end(index, one)
        return [results[at] for at in range(len(specs))]

    def _resolve_uri(self) -> str:
        uri = str(self.config.tracking.uri)
        path = sqlite_path(uri)
        if path is None:
            return uri
        if self.elsewhere:
            raise RefusedInput(
                f"tracking.uri={uri}: other machines cannot record into a file of this one; start "
                "an MLflow server and give tracking.uri=http://HOST:PORT (docs/scale.md)"
            )
        return f"sqlite:///{path.absolute()}"

    def _make_job(
        self, at: int, specs: Sequence[TrialSpec], indices: Sequence[int], uri: str
    ) -> ClusterJob:
        return ClusterJob(
            name=f"{self.name}-{uuid.uuid4().hex[:8]}-{at}",
            specs=tuple(specs[index] for index in indices),
            uri=uri,
            size=self.config.stack.size,
            workers=self.cores if can_share_machine(specs[0]) else 1,
            path=tuple(entry or os.getcwd() for entry in sys.path),  # noqa: PTH109
            folder=os.getcwd(),  # noqa: PTH109
        )


class JobPool:
    """The jobs of one sweep, until all have ended."""

    def __init__(self, engine: Engine, jobs: Sequence[ClusterJob], name: str) -> None:
        self._engine, self._jobs, self._name = engine, jobs, name
        self._waiting = list(range(len(jobs)))
        self._running: dict[int, Any] = {}

    def run(self) -> Iterator[tuple[int, Sequence[TrialResult]]]:
        """Run all jobs; yield each one's index and the results of its trials as it ends.

        Raises:
            RefusedInput, StoreLost: a node says so; the other jobs are ended.
        """
        try:
            while self._waiting or self._running:
                self._submit()
                done = [at for at, one in self._running.items() if self._engine.done(one)]
                for at in done:
                    yield at, self._get_results(at, self._running.pop(at))
                if not done:
                    time.sleep(POLL_S)
        except BaseException:
            self._cancel()
            raise

    def _submit(self) -> None:
        engine = self._engine
        room = math.inf if engine.queues or engine.slots is None else engine.slots
        count = int(min(len(self._waiting), room - len(self._running)))
        if count > 0:
            now, self._waiting = self._waiting[:count], self._waiting[count:]
            handles = engine.submit([self._jobs[at] for at in now])
            self._running |= dict(zip(now, handles, strict=True))

    def _get_results(self, at: int, handle: Any) -> Sequence[TrialResult]:
        job = self._jobs[at]
        try:
            result = self._engine.result(handle)
        except Exception as death:
            words = " ".join(str(death).split())[:500]
            return self._record_death(
                job, f"its job {job.name} ended: {type(death).__name__}: {words}"
            )
        if result.refused:
            raise RefusedInput(result.refused)
        if result.lost:
            raise StoreLost(result.lost)
        return result.results

    def _record_death(self, job: ClusterJob, reason: str) -> list[TrialResult]:
        """Keep what a dead job recorded, record the rest as failed and release its claims."""
        progress.say(reason)
        study = job.specs[0].context.study
        tracking.discard_job(job.uri, study, job.name)
        stored = tracking.read_job_results(job.uri, study, job.name)
        return [
            stored[spec.config_hash]
            if spec.config_hash in stored
            else execute.record_failure(spec, job.uri, reason, self._name)
            for spec in job.specs
        ]

    def _cancel(self) -> None:
        """End what still runs and release its claims."""
        running = dict(self._running)
        for handle in running.values():
            self._engine.cancel(handle)
        deadline = time.monotonic() + END_S
        while running and time.monotonic() < deadline:
            running = {at: one for at, one in running.items() if not self._engine.done(one)}
            time.sleep(POLL_S)
        with suppress(StoreLost):  # then they are free when they have been silent for long
            for at in self._running:
                job = self._jobs[at]
                tracking.discard_job(job.uri, job.specs[0].context.study, job.name)


def divide(specs: Sequence[TrialSpec], most: int) -> list[Sequence[int]]:
    """Return the indices of each job's trials: alike ones, in parts of nearly equal size."""
    return [part for group in group_alike(specs) for part in split_evenly(group, most)]


def _limit_job(trials: int, slots: int | None) -> int:
    most = heuristics.MAX_JOB
    return most if slots is None else max(1, min(most, math.ceil(trials / max(1, slots))))
