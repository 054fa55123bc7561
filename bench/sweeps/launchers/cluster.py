"""Sweeps on a cluster: an engine of another package runs their parts, a job each.

An engine carries jobs and says which are gone; what a trial is, it does not know. A job that dies
costs the trials that it had not recorded: they are failed, and the next call's work.
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
from itertools import pairwise
from typing import Any, Protocol

from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.sweeps import progress
from bench.sweeps.grouping import alike
from bench.sweeps.launchers.base import StackedLauncher, shares
from bench.sweeps.launchers.cluster_job import Ended, Part
from bench.sweeps.progress import Told
from bench.tracking.uri import sqlite_path

MOST = 64
"""Trials a job, where the cluster has no use for smaller ones: what a larger stack gains is little
beside what is lost with a node."""
POLL = 0.5
"""Seconds between looks at the jobs."""
END = 20.0
"""Seconds that jobs have to end when the sweep is ended."""


class Engine(Protocol):
    """What a cluster has to be able to do; a job is whatever ``submit`` returns.

    Attributes:
        slots: jobs that run at the same time; None where nobody knows.
        queues: whether more can be submitted than run at once.
    """

    slots: int | None
    queues: bool

    def submit(self, parts: Sequence[Part]) -> Sequence[Any]:
        """A job for each part."""

    def done(self, job: Any) -> bool:
        """Whether it has ended, however."""

    def result(self, job: Any) -> Ended:
        """Of a job that is done. Raises anything, with words that say why, where it died."""

    def cancel(self, job: Any) -> None:
        """End it soon; it need not have ended on return."""


class ClusterLauncher(StackedLauncher):
    """A Hydra launcher over an engine.

    Args:
        trials_per_job: at the most; None: so many that all the cluster works, up to ``MOST``.
    """

    name = ""
    trials_per_job: int | None

    @abstractmethod
    def engine(self) -> AbstractContextManager[Engine]:
        """Opens the cluster.

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
        """Whether jobs may run on other machines."""

    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        uri = self._address()
        if self.trials_per_job is not None and self.trials_per_job < 1:
            raise RefusedInput(
                f"hydra.launcher.trials_per_job={self.trials_per_job}: not a positive number"
            )
        with self.engine() as engine:
            groups = divided(specs, self.trials_per_job or _most(len(specs), engine.slots))
            parts = [self._part(at, specs, places, uri) for at, places in enumerate(groups)]
            progress.say(f"{len(specs)} trials in {len(parts)} jobs of {self.name}")
            outcomes: dict[int, TrialResult] = {}
            for at, found in Jobs(engine, parts, self.name).ended():
                for place, one in zip(groups[at], found, strict=True):
                    outcomes[place] = one
                    told(place, one)
        return [outcomes[at] for at in range(len(specs))]

    def _address(self) -> str:
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

    def _part(self, at: int, specs: Sequence[TrialSpec], places: Sequence[int], uri: str) -> Part:
        return Part(
            job=f"{self.name}-{uuid.uuid4().hex[:8]}-{at}",
            specs=tuple(specs[place] for place in places),
            uri=uri,
            size=self.config.stack.size,
            workers=self.cores if shares(specs[0]) else 1,
            path=tuple(entry or os.getcwd() for entry in sys.path),  # noqa: PTH109
            folder=os.getcwd(),  # noqa: PTH109
        )


class Jobs:
    """The jobs of one sweep, until they have all ended."""

    def __init__(self, engine: Engine, parts: Sequence[Part], name: str) -> None:
        self._engine, self._parts, self._name = engine, parts, name
        self._waiting = list(range(len(parts)))
        self._running: dict[int, Any] = {}

    def ended(self) -> Iterator[tuple[int, Sequence[TrialResult]]]:
        """Each part's place and the outcomes of its trials, as it ends.

        Raises:
            RefusedInput, StoreLost: a node says so; the other jobs are ended.
        """
        try:
            while self._waiting or self._running:
                self._submit()
                done = [at for at, job in self._running.items() if self._engine.done(job)]
                for at in done:
                    yield at, self._outcomes(at, self._running.pop(at))
                if not done:
                    time.sleep(POLL)
        except BaseException:
            self._end()
            raise

    def _submit(self) -> None:
        engine = self._engine
        room = math.inf if engine.queues or engine.slots is None else engine.slots
        count = int(min(len(self._waiting), room - len(self._running)))
        if count > 0:
            now, self._waiting = self._waiting[:count], self._waiting[count:]
            jobs = engine.submit([self._parts[at] for at in now])
            self._running |= dict(zip(now, jobs, strict=True))

    def _outcomes(self, at: int, job: Any) -> Sequence[TrialResult]:
        part = self._parts[at]
        try:
            ended = self._engine.result(job)
        except Exception as death:
            words = " ".join(str(death).split())[:500]
            return self._lost(part, f"its job {part.job} ended: {type(death).__name__}: {words}")
        if ended.refused:
            raise RefusedInput(ended.refused)
        if ended.lost:
            raise StoreLost(ended.lost)
        return ended.outcomes

    def _lost(self, part: Part, reason: str) -> list[TrialResult]:
        """Of a job that died: what it recorded stands, the rest has failed; its claims are free."""
        from bench import tracking
        from bench.sweeps import execute

        progress.say(reason)
        study = part.specs[0].context.study
        tracking.discard_job(part.uri, study, part.job)
        known = tracking.read_job_results(part.uri, study, part.job)
        return [
            known[spec.config_hash]
            if spec.config_hash in known
            else execute.lost(spec, part.uri, reason, self._name)
            for spec in part.specs
        ]

    def _end(self) -> None:
        """End what still runs; what it held is free again."""
        from bench import tracking

        running = dict(self._running)
        for job in running.values():
            self._engine.cancel(job)
        deadline = time.monotonic() + END
        while running and time.monotonic() < deadline:
            running = {at: job for at, job in running.items() if not self._engine.done(job)}
            time.sleep(POLL)
        with suppress(StoreLost):  # then they are free when they have been silent for long
            for at in self._running:
                part = self._parts[at]
                tracking.discard_job(part.uri, part.specs[0].context.study, part.job)


def divided(specs: Sequence[TrialSpec], most: int) -> list[list[int]]:
    """Places of the trials of each job: alike ones, in parts of nearly equal size."""
    found: list[list[int]] = []
    for places in alike(specs):
        count = math.ceil(len(places) / most)
        bounds = [at * len(places) // count for at in range(count + 1)]
        found += [places[start:end] for start, end in pairwise(bounds)]
    return found


def _most(trials: int, slots: int | None) -> int:
    return MOST if slots is None else max(1, min(MOST, math.ceil(trials / max(1, slots))))
