"""What optbench asks of a store of MLflow, whichever kind it is.

There are two: a file of this machine, read and written as SQLite's tables
(``bench.tracking.sqlite.store``), and any other, by MLflow's client (``bench.tracking.server.store``), whose
import takes longer than a small trial.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from bench.runtime.processes import serves
from bench.spec import CurvePoint, RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.tracking.sqlite.read import TrialRun

TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tells MLflow's pages that a study is made of training runs, not of language-model traces."""


class Study(NamedTuple):
    """A study, which is an MLflow experiment: MLflow's number of it, and its tags."""

    id: str
    tags: Mapping[str, str]


class Recorder(Protocol):
    """Trials while they happen; a slot is a trial's place among the specs.

    Runs exist from ``__enter__`` on. What has not finished on leaving leaves no record.

    Attributes:
        free: the slots whose trials are claimed by this recorder; other processes run the rest, or
            have run them (``bench.tracking.claims``).
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


class Store(Protocol):
    """An open store; studies and runs are named by MLflow's own ids.

    Every method raises StoreLost where the store does not answer, or has no room.
    """

    uri: str

    def study(self, name: str) -> Study | None:
        """The study of that name; None where there is none.

        Raises:
            RefusedInput: it lies in MLflow's trash.
        """

    def make_study(self, name: str) -> str:
        """Its id; another process may make it at the same time."""

    def studies(self) -> list[str]:
        """The names of all, in order."""

    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        """Set tags; None takes one away."""

    def trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        """Its trials, the latest first, those that run now included.

        Args:
            curves: whether the histories are wanted.
            hashes, job, running: only those with one of these config hashes, of that job of a
                cluster, that have not ended.
        """

    def trash(self, runs: Iterable[str]) -> None:
        """Into MLflow's trash, from where they can be restored."""

    def summary(self, study: str) -> str | None:
        """The run that stands for the whole study; None where there is none."""

    def make_summary(self, study: str, name: str) -> str:
        """That run, made for the study of this id and name."""

    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Set tags and numbers of a run; later ones take their place."""

    def put_text(self, run: str, name: str, text: str) -> None:
        """Keep a text file with a run, in place of one of that name."""

    def put_folder(self, run: str, folder: Path, name: str) -> None:
        """Keep the files of a folder with a run, under that name."""

    def holds(self, run: str, name: str) -> bool:
        """Whether a file or folder of that name is kept with a run."""

    def text(self, run: str, name: str) -> str | None:
        """A text file that is kept with a run; None where there is none."""

    def recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        """Of trials of the study of that name."""


def found_or_made(store: Store, name: str) -> str:
    """The id of the study of that name, which is made where it is missing."""
    found = store.study(name)
    return store.make_study(name) if found is None else found.id


def cannot_open(uri: str, error: Exception) -> RefusedInput | StoreLost:
    """That a store cannot be opened; in a worker it is lost, for its parent has opened it."""
    cause = str(error).split("\n", maxsplit=1)[0]
    kind = StoreLost if serves() else RefusedInput
    return kind(f"tracking.uri={uri}: cannot be opened: {cause}")


def in_trash(uri: str, study: str, number: str) -> RefusedInput:
    """That a study was deleted, and how to have it back."""
    return RefusedInput(
        f"study={study}: it was deleted in MLflow; take another name, or restore it: mlflow "
        f"experiments restore --experiment-id {number} (MLFLOW_TRACKING_URI={uri})"
    )


def artifacts(root: Path, study: str) -> str:
    """Where the files of a study's runs go, as MLflow names it."""
    return (root / "artifacts" / study).absolute().as_uri()
