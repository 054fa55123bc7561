"""Opening a store of MLflow and the studies in it.

A study is an MLflow experiment. Whoever comes first creates what is missing; any number of
processes may come first at once.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a wrong address is answered soon

from filelock import FileLock
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bench.address import check_local, sqlite_path
from bench.spec import RefusedInput

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tells MLflow's pages that a study is made of training runs, not of language-model traces."""


@lru_cache(maxsize=4)
def connect(uri: str) -> MlflowClient:
    """A client of a store, which is created where it is missing.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
    """
    path = sqlite_path(uri)
    try:
        if path is None:
            return _answering(uri)
        check_local(uri, path)
        if not _has_write_ahead_log(path):
            _create(uri, path)
        return _answering(uri)
    except (MlflowException, OSError, sqlite3.Error) as error:
        cause = str(error).split("\n", maxsplit=1)[0]
        raise RefusedInput(f"tracking.uri={uri}: cannot be opened: {cause}") from error


def prepare(uri: str, study: str) -> str:
    """Open the store, creating it and the study where missing; returns the experiment's id.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
    """
    found = experiment_id(uri, study)
    if found is not None:
        return found
    artifacts = None
    if path := sqlite_path(uri):
        artifacts = (path.parent / "artifacts" / study).absolute().as_uri()
    try:
        made = connect(uri).create_experiment(study, artifact_location=artifacts, tags=TRAINING)
        return str(made)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = experiment_id(uri, study)  # another process was faster
    assert found is not None
    return found


def experiment_id(uri: str, study: str) -> str | None:
    """MLflow's number of a study; None if there is no such study."""
    found = connect(uri).get_experiment_by_name(study)
    return None if found is None else str(found.experiment_id)


def studies(uri: str) -> list[str]:
    """Names of the studies in a store."""
    found = connect(uri).search_experiments(view_type=ViewType.ACTIVE_ONLY)
    return sorted(experiment.name for experiment in found if experiment.name != "Default")


def _answering(uri: str) -> MlflowClient:
    client = MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)
    return client


def _create(uri: str, path: Path) -> None:
    """Make the tables, one process at a time: two would die in each other's migrations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if _has_write_ahead_log(path):  # made while this process waited
            return
        _answering(uri)
        with closing(sqlite3.connect(path, timeout=60)) as store:
            store.execute("PRAGMA journal_mode=WAL")  # readers do not block writers


def _has_write_ahead_log(path: Path) -> bool:
    """Whether a store is complete: the mode is set last. It stands in the file's header.

    See sqlite.org/fileformat.html, 1.3.3.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
