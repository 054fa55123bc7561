"""Opening a store of MLflow and the studies in it.

A study is an MLflow experiment. Whoever comes first creates what is missing; any number of
processes may come first at once.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import cast

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import sqlalchemy
from filelock import FileLock
from mlflow.entities import Experiment, LifecycleStage, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bench.address import check_file, check_local, is_database, sqlite_path
from bench.embedded.tables import has_write_ahead_log
from bench.faults import StoreLost
from bench.processes import serves
from bench.spec import RefusedInput
from bench.tracking import patient
from bench.tracking.lost import may_lose
from bench.tracking.patient import Patient

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # tracebacks of each try
logging.getLogger("urllib3").setLevel(logging.ERROR)  # a line for each of many tries

TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tells MLflow's pages that a study is made of training runs, not of language-model traces."""


def connect(uri: str) -> MlflowClient:
    """A client of a store, which is created where it is missing.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """
    path = sqlite_path(uri)
    # an optimizer may change the working folder: from here on that moves no store
    return _connect(uri if path is None else f"sqlite:///{path.absolute()}", uri)


@lru_cache(maxsize=4)
def _connect(absolute: str, uri: str) -> MlflowClient:
    path = sqlite_path(absolute)
    try:
        if path is None and is_database(uri):
            _reach(uri)
            return cast(MlflowClient, Patient(_answering(absolute), waits=True))
        if path is None:
            with nullcontext() if serves() else _impatient():
                return cast(MlflowClient, Patient(_answering(absolute)))
        check_local(uri, path)
        check_file(uri, path)
        if not has_write_ahead_log(path):
            _create(absolute, path)
        return _answering(absolute)
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError, sqlite3.Error) as error:
        cause = str(error).split("\n", maxsplit=1)[0]
        kind = StoreLost if serves() else RefusedInput
        raise kind(f"tracking.uri={uri}: cannot be opened: {cause}") from error


def prepare(uri: str, study: str) -> str:
    """Open the store, creating it and the study where missing; returns the experiment's id.

    Raises:
        RefusedInput: the store cannot be opened or does not answer; the study was deleted.
    """
    found = experiment_id(uri, study)
    if found is not None:
        return found
    artifacts = None
    if path := sqlite_path(uri):
        artifacts = (path.parent / "artifacts" / study).absolute().as_uri()
    elif is_database(uri):  # a server would say where they go
        artifacts = (Path("outputs") / "artifacts" / study).absolute().as_uri()
    try:
        made = connect(uri).create_experiment(study, artifact_location=artifacts, tags=TRAINING)
        return str(made)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise StoreLost(f"tracking.uri={uri}: {str(error).split(chr(10))[0]}") from error
    found = experiment_id(uri, study)  # another process was faster
    assert found is not None
    return found


def experiment_id(uri: str, study: str) -> str | None:
    """MLflow's number of a study; None if there is no such study, and as ``experiment``."""
    found = experiment(uri, study)
    return None if found is None else str(found.experiment_id)


@may_lose
def experiment(uri: str, study: str) -> Experiment | None:
    """What MLflow holds of a study beside its runs; None if there is no such study.

    Raises:
        RefusedInput: it lies in MLflow's trash.
    """
    found = connect(uri).get_experiment_by_name(study)
    if found is not None and found.lifecycle_stage == LifecycleStage.DELETED:
        raise RefusedInput(
            f"study={study}: it was deleted in MLflow; take another name, or restore it: mlflow "
            f"experiments restore --experiment-id {found.experiment_id} (MLFLOW_TRACKING_URI={uri})"
        )
    return found


def studies(uri: str) -> list[str]:
    """Names of the studies in a store."""
    found = connect(uri).search_experiments(view_type=ViewType.ACTIVE_ONLY)
    return sorted(one.name for one in found if one.name != "Default")


def _reach(uri: str) -> None:
    """Wait for a database to answer; one that nobody has reached before has to do so at once.

    MLflow alone would try a wrong address for most of an hour.
    """
    deadline = time.monotonic() + (patient.PATIENCE if serves() else 0.0)
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    except ImportError as error:
        raise RefusedInput(
            f"tracking.uri={uri}: its driver is not installed ({error}); for PostgreSQL: "
            "pip install 'optbench[postgres]'"
        ) from error
    while True:
        try:
            return engine.connect().close()
        except sqlalchemy.exc.OperationalError as error:
            if time.monotonic() > deadline:
                raise OSError(str(error.orig).strip()) from error
        time.sleep(patient.PAUSE)


def _answering(uri: str) -> MlflowClient:
    client = MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)
    return client


@contextmanager
def _impatient() -> Iterator[None]:
    """A wrong address is answered soon; a store that was there once is waited for, by MLflow's own
    seven tries over some four minutes. An address in use is given up after ten seconds."""
    soon = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ.get(name) for name in soon}
    os.environ.update({name: before[name] or value for name, value in soon.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]


def _create(uri: str, path: Path) -> None:
    """Make the tables, one process at a time: two would die in each other's migrations.

    A new store is made beside its place and moved there when it is whole: a process that is killed
    meanwhile leaves nothing that MLflow could not go on with.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if has_write_ahead_log(path):  # made while this process waited
            return
        if path.exists() and path.stat().st_size:  # MLflow made it: bring it to its present form
            _answering(uri)
        else:
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)
            _answering(f"sqlite:///{new}")
            new.replace(path)
        with closing(sqlite3.connect(path, timeout=60)) as store:
            store.execute("PRAGMA journal_mode=WAL")  # readers do not block writers
