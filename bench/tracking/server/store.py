"""Store by MLflow's own client: a server or a database.

The client has no bulk read: a call for each run and metric. A study is an MLflow experiment;
whoever comes first creates it, and any number of processes may come first at once.
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import sqlalchemy
from mlflow.entities import LifecycleStage, Metric, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bench.spec import RefusedInput, TrialSpec
from bench.tracking.owner import is_local, is_worker
from bench.tracking.server import heartbeat, retry
from bench.tracking.server.errors import store_errors
from bench.tracking.server.recorder import ClientRecorder
from bench.tracking.server.retry import RetryingClient
from bench.tracking.sqlite.schema import format_remedy, now_ms
from bench.tracking.store import (
    STUDY_TAGS,
    Recorder,
    Study,
    TrialRun,
    Value,
    make_artifact_uri,
    make_open_error,
    make_trash_error,
)
from bench.tracking.tags import GENERATION, decode_generation
from bench.tracking.uri import is_database, sqlite_path

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # tracebacks of each try
logging.getLogger("urllib3").setLevel(logging.ERROR)  # a line for each of many tries

MOST_QUERIES = 256
"""Hashes that are looked up one by one at the most: each takes a server some 10 ms."""

P = ParamSpec("P")
R = TypeVar("R")


def convert_errors(
    method: Callable[Concatenate[ClientStore, P], R],
) -> Callable[Concatenate[ClientStore, P], R]:
    """Convert whatever the store raises in a method to ``StoreLost``."""

    @functools.wraps(method)
    def converting(self: ClientStore, *args: P.args, **kwargs: P.kwargs) -> R:
        with store_errors(self.uri):
            return method(self, *args, **kwargs)

    return converting


class ClientStore:
    """See ``bench.tracking.store.Store``.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """

    def __init__(self, uri: str) -> None:
        self.uri, self.client = uri, connect(uri)

    @convert_errors
    def find_study(self, name: str) -> Study | None:
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            return None
        number = str(experiment.experiment_id)
        if experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise make_trash_error(self.uri, name, number)
        return Study(number, dict(experiment.tags))

    def create_study(self, name: str) -> str:
        files = None
        if path := sqlite_path(self.uri):
            files = make_artifact_uri(path.parent, name)
        elif is_database(self.uri):  # a server would say where they go
            files = make_artifact_uri(Path("outputs"), name)
        with store_errors(self.uri):
            try:
                return str(self.client.create_experiment(name, files, tags=STUDY_TAGS))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        study = self.find_study(name)  # another process was faster
        assert study is not None
        return study.id

    @convert_errors
    def list_studies(self) -> list[str]:
        experiments = self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        return sorted(one.name for one in experiments if one.name != "Default")

    @convert_errors
    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        for key, value in tags.items():
            if value is None:
                self.client.delete_experiment_tag(study, key)
            else:
                self.client.set_experiment_tag(study, key, value)

    @convert_errors
    def read_trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        query = "tags.kind = 'trial'"
        if job is not None:
            query += f" AND tags.job = '{job}'"
        if running:
            query += " AND attributes.status = 'RUNNING'"
        trials = []
        for run in self._search(study, query, hashes):
            one, name = _to_trial_run(run), run.info.run_id
            if hashes is None or one.config_hash in hashes:
                if curves:
                    one.history = {key: self._read_history(name, key) for key in run.data.metrics}
                trials.append(one)
        return self._add_last_seen(study, trials)

    @convert_errors
    def find_generation(self, study: str) -> int:
        runs = self.client.search_runs(
            [study],
            f"tags.{GENERATION} LIKE '0%'",
            ViewType.ALL,
            max_results=100,  # more than one: some may hold no number
            order_by=[f"tags.{GENERATION} DESC"],
        )
        return max((decode_generation(run.data.tags) for run in runs), default=0)

    @convert_errors
    def trash(self, runs: Iterable[str]) -> None:
        for run in runs:
            self.client.delete_run(run)

    @convert_errors
    def find_summary(self, study: str) -> str | None:
        runs = self.client.search_runs([study], "tags.kind = 'summary'", max_results=1)
        return str(runs[0].info.run_id) if runs else None

    @convert_errors
    def create_summary(self, study: str, name: str) -> str:
        tags = {"kind": "summary", "study": name}
        run = self.client.create_run(study, run_name="summary", tags=tags)
        self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    @convert_errors
    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        self.client.log_batch(
            run,
            metrics=[Metric(name, number, now_ms(), 0) for name, number in metrics.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )

    @convert_errors
    def put_text(self, run: str, name: str, text: str) -> None:
        self.client.log_text(run, text, name)

    @convert_errors
    def put_folder(self, run: str, folder: Path, name: str) -> None:
        self.client.log_artifacts(run, str(folder), name)

    @convert_errors
    def has_file(self, run: str, name: str) -> bool:
        return name in {one.path for one in self.client.list_artifacts(run)}

    @convert_errors
    def read_text(self, run: str, name: str) -> str | None:
        if not self.has_file(run, name):
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(self.client.download_artifacts(run, name, folder))
            return path.read_text("utf-8", errors="replace") if path.is_file() else None

    def open_recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        return ClientRecorder(self, self.client, study, specs, launcher)

    def _search(self, study: str, query: str, hashes: Collection[str] | None) -> Iterator[Run]:
        """Search runs by hash; for many hashes it is quicker to go through all runs."""
        if hashes is None or len(hashes) > MOST_QUERIES:
            yield from self._read_pages(study, query)
            return
        for key in hashes:
            yield from self._read_pages(study, f"{query} AND tags.config_hash = '{key}'")

    def _read_pages(self, study: str, query: str) -> Iterator[Run]:
        token = None
        while True:
            page = self.client.search_runs([study], query, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _read_history(self, run: str, key: str) -> list[Value]:
        logged = self.client.get_metric_history(run, key)
        return sorted((one.step, one.timestamp, one.value) for one in logged)

    def _add_last_seen(self, study: str, trials: list[TrialRun]) -> list[TrialRun]:
        """Add the last heartbeat of the processes of other machines."""
        remote = [run for run in trials if run.status == "RUNNING" and not is_local(run.tags)]
        seen = heartbeat.read_heartbeats(self.client.get_experiment(study).tags) if remote else {}
        for run in remote:
            run.last_seen = seen.get(heartbeat.name_tag(run.tags), 0.0)
        return trials


def _to_trial_run(run: Run) -> TrialRun:
    """Convert MLflow's run."""
    tags, latest = dict(run.data.tags), dict(run.data.metrics)
    return TrialRun(
        str(run.info.run_id), run.info.status, tags, latest, ended=(run.info.end_time or 0) / 1000
    )


def connect(uri: str) -> MlflowClient:
    """Make a client of a store; a file is made where it is missing.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """
    try:
        if (path := sqlite_path(uri)) is not None:
            return _open_client(f"sqlite:///{path.absolute()}")
        if is_database(uri):
            _wait_for_database(uri)
            return cast(MlflowClient, RetryingClient(_open_client(uri), waits=True))
        with nullcontext() if is_worker() else _limit_retries():
            return cast(MlflowClient, RetryingClient(_open_client(uri)))
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        raise make_open_error(uri, error) from error


def _wait_for_database(uri: str) -> None:
    """Wait for a database to answer; one that nobody has reached before has to do so at once.

    MLflow alone would try a wrong address for most of an hour.
    """
    deadline = time.monotonic() + (retry.PATIENCE if is_worker() else 0.0)
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    except ImportError as error:
        raise RefusedInput(
            f"tracking.uri={uri}: its driver is not installed ({error}); for PostgreSQL: "
            "pip install 'optbench[postgres]'"
        ) from error
    while True:
        try:
            return _check_revision(uri, engine)
        except sqlalchemy.exc.OperationalError as error:
            if time.monotonic() > deadline:
                raise OSError(str(error.orig).strip()) from error
        time.sleep(retry.PAUSE)


def _check_revision(uri: str, engine: sqlalchemy.Engine) -> None:
    """Refuse a database of another MLflow, whose tables the client would change."""
    from mlflow.store.db import utils  # half a second, which servers do not need

    revision = utils._get_schema_version(engine)
    tables = sqlalchemy.inspect(engine).get_table_names() if revision is None else []
    if tables:
        raise RefusedInput(
            f"tracking.uri={uri}: holds somebody else's tables ({', '.join(sorted(tables)[:3])}). "
            "Name another database, one of MLflow or an empty one"
        )
    if revision not in (None, utils._get_latest_schema_revision()):  # None: it is empty
        raise RefusedInput(
            f"tracking.uri={uri}: the installed MLflow cannot use tables of schema {revision}. "
            f"{format_remedy(uri)}"
        )


def _open_client(uri: str) -> MlflowClient:
    client = MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)
    return client


@contextmanager
def _limit_retries() -> Iterator[None]:
    """Let a wrong address fail soon: two tries of ten seconds at the most.

    A store that was there once is waited for, by MLflow's own seven tries over some four minutes.
    """
    soon = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {name: os.environ.get(name) for name in soon}
    os.environ.update({name: before[name] or value for name, value in soon.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
