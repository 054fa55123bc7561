"""The recorder of trials of one study, from one to as many as a stack holds."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from bench.embedded.recorder import SQLiteRecorder
from bench.embedded.tables import embedded
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.tracking.client import connect, prepare
from bench.tracking.write import ClientRecorder, attach_traceback


class Recorder(Protocol):
    """Trials while they happen; a slot is a trial's place among the specs.

    Runs exist from ``__enter__`` on. What has not finished on leaving leaves no record.

    Attributes:
        free: the slots whose trials are claimed by this recorder; other processes run the rest, or
            have run them (``bench.embedded.claims``).
    """

    free: list[int]

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def log(self, slot: int, point: CurvePoint) -> None:
        """Note one evaluation of one trial; it is written within a second or at the next one."""

    def finish(self, slot: int, result: TrialResult) -> None:
        """How a trial ended; the last point of its curve replaces the one that was noted."""


def recorder(uri: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
    """For trials of one study: rows into an embedded store, MLflow's client for any other.

    ``with recorder(uri, specs, launcher) as records: records.log(0, point) … .finish(0, result)``.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: it no longer answers, or has no room; raised by every method.
        ValueError: no trial, or trials of several studies.
    """
    if len(studies := {spec.study for spec in specs}) != 1:
        raise ValueError(f"a recorder is of one study, not of {sorted(studies)}")
    connect(uri)  # creates an embedded store where it is missing
    path = embedded(uri)
    if path is None:
        return ClientRecorder(uri, specs, launcher)
    experiment = prepare(uri, specs[0].study)
    return SQLiteRecorder(uri, path, experiment, specs, launcher, attach_traceback)
