"""Interface of a store of MLflow, whichever kind it is.

There are two: a file of this machine, read and written as SQLite's tables
(``bench.tracking.sqlite.store``), and any other, by MLflow's client
(``bench.tracking.server.store``), whose import takes longer than a small trial.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from bench.spec import CurvePoint, RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.tracking.owner import is_worker
from bench.tracking.tags import decode_generation

STUDY_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Tells MLflow's pages that a study is made of training runs, not of language-model traces."""

TRIAL_TAGS = {"config_hash", "status", "config", "point", "study"}
"""Tags of every trial; a run of the kind ``trial`` without them cannot be read."""

Value = tuple[int, int, float]
"""Step, timestamp in ms, value: one entry of a metric's history."""


class Study(NamedTuple):
    """A study, which is an MLflow experiment: MLflow's id of it, and its tags."""

    id: str
    tags: Mapping[str, str]


@dataclass
class TrialRun:
    """MLflow's run of one trial.

    Attributes:
        status: MLflow's own, e.g. ``RUNNING``.
        latest: the last value of each metric.
        history: all values of each metric, in the order of steps and time; empty where it was not
            asked for.
        ended: seconds since 1970; 0 while it runs.
        last_seen: seconds since 1970 of its process's last heartbeat
            (``bench.tracking.server.heartbeat``); 0 where that is not asked, or there was none.
        fault: why it cannot be read; empty where it can; None: ``bench.tracking.faults`` has not
            looked yet.
    """

    run_id: str
    status: str
    tags: Mapping[str, str]
    latest: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[Value]] = field(default_factory=dict)
    ended: float = 0.0
    last_seen: float = 0.0
    fault: str | None = None

    @property
    def config_hash(self) -> str:
        """The hash of its trial; empty where no tag says."""
        return self.tags.get("config_hash", "")

    @property
    def generation(self) -> int:
        """The number of the command that made it."""
        return decode_generation(self.tags)


class Recorder(Protocol):
    """Trials while they run; a slot is a trial's index among the specs.

    Runs exist from ``__enter__`` on. A trial that has not finished on leaving leaves no record.

    Attributes:
        slots: the slots whose trials this recorder has claimed; other processes run the rest, or
            have run them (``bench.tracking.claims``).
    """

    slots: list[int]

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def log(self, slot: int, point: CurvePoint) -> None:
        """Record one evaluation of one trial; it is written within a second or at the next one."""

    def finish(self, slot: int, result: TrialResult) -> None:
        """Record the end of a trial; the last point of its curve replaces the one logged before."""


class Store(Protocol):
    """An open store; studies and runs are named by MLflow's own ids.

    Every method raises StoreLost where the store does not answer, or has no room, and every change
    ReadOnlyStore where its tables are not known.
    """

    uri: str

    def find_study(self, name: str) -> Study | None:
        """Return the study of that name; None where there is none.

        Raises:
            RefusedInput: it lies in MLflow's trash.
        """

    def create_study(self, name: str) -> str:
        """Return the id of a new study; another process may make it at the same time."""

    def list_studies(self) -> list[str]:
        """Return the names of all studies, in order."""

    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        """Set tags; None removes one."""

    def read_trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        """Read its trials, the latest first, running and broken ones included.

        Args:
            curves: load the history of every metric, too.
            hashes, job, running: only trials with one of these config hashes, of that cluster job,
                that have not ended.
        """

    def find_generation(self, study: str) -> int:
        """Return the greatest number of a command among its runs, those in the trash included."""

    def trash(self, runs: Iterable[str]) -> None:
        """Move runs to MLflow's trash, from where they can be restored."""

    def find_summary(self, study: str) -> str | None:
        """Return the run that stands for the whole study; None where there is none."""

    def create_summary(self, study: str, name: str) -> str:
        """Make that run for the study of this id and name."""

    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Set tags and numbers of a run, in place of earlier ones."""

    def put_text(self, run: str, name: str, text: str) -> None:
        """Keep a text file with a run, in place of one of that name."""

    def put_folder(self, run: str, folder: Path, name: str) -> None:
        """Keep the files of a folder with a run, under that name."""

    def has_file(self, run: str, name: str) -> bool:
        """Tell whether a run has a file or folder of that name."""

    def read_text(self, run: str, name: str) -> str | None:
        """Read a text file of a run; None where there is none."""

    def open_recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        """Open the recorder of trials of the study of that name."""


def ensure_study(store: Store, name: str) -> str:
    """Return the id of the study of that name, which is made where it is missing."""
    study = store.find_study(name)
    return store.create_study(name) if study is None else study.id


def ensure_summary(store: Store, study: str, name: str) -> str:
    """Return the summary run of the study of this id and name; make it where it is missing."""
    return store.find_summary(study) or store.create_summary(study, name)


def make_open_error(uri: str, error: Exception) -> RefusedInput | StoreLost:
    """Say that a store cannot be opened; in a worker it is lost, for its parent has opened it."""
    cause = str(error).split("\n", maxsplit=1)[0]
    kind = StoreLost if is_worker() else RefusedInput
    return kind(f"tracking.uri={uri}: cannot be opened: {cause}")


def make_trash_error(uri: str, study: str, number: str) -> RefusedInput:
    """Say that a study was deleted, and how to restore it."""
    return RefusedInput(
        f"study={study}: it was deleted in MLflow; take another name, or restore it: mlflow "
        f"experiments restore --experiment-id {number} (MLFLOW_TRACKING_URI={uri})"
    )


def make_artifact_uri(root: Path, study: str) -> str:
    """Return the address of the files of a study's runs, as MLflow names it."""
    return (root / "artifacts" / study).absolute().as_uri()
