"""A store of MLflow by its own client: a server, a database, or a file whose tables are not known.

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

from bench.runtime.processes import on_this_machine, serves
from bench.spec import RefusedInput, TrialSpec
from bench.tracking.server import heartbeat, retry
from bench.tracking.server.errors import losing
from bench.tracking.server.recorder import ClientRecorder
from bench.tracking.server.retry import Patient
from bench.tracking.sqlite.read import OURS, TrialRun, Value
from bench.tracking.store import TRAINING, Recorder, Study, artifacts, cannot_open, in_trash
from bench.tracking.uri import is_database, sqlite_path

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # tracebacks of each try
logging.getLogger("urllib3").setLevel(logging.ERROR)  # a line for each of many tries

MANY = 256
"""Hashes that are asked for one by one at the most: each takes a server some 10 ms."""

P = ParamSpec("P")
R = TypeVar("R")


def may_lose(
    method: Callable[Concatenate[ClientStore, P], R],
) -> Callable[Concatenate[ClientStore, P], R]:
    """A method in which whatever the store raises is ``StoreLost``."""

    @functools.wraps(method)
    def guarded(self: ClientStore, *args: P.args, **kwargs: P.kwargs) -> R:
        with losing(self.uri):
            return method(self, *args, **kwargs)

    return guarded


class ClientStore:
    """See ``bench.tracking.store.Store``.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """

    def __init__(self, uri: str) -> None:
        self.uri, self.client = uri, connect(uri)

    @may_lose
    def study(self, name: str) -> Study | None:
        found = self.client.get_experiment_by_name(name)
        if found is None:
            return None
        number = str(found.experiment_id)
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise in_trash(self.uri, name, number)
        return Study(number, dict(found.tags))

    def make_study(self, name: str) -> str:
        files = None
        if path := sqlite_path(self.uri):
            files = artifacts(path.parent, name)
        elif is_database(self.uri):  # a server would say where they go
            files = artifacts(Path("outputs"), name)
        with losing(self.uri):
            try:
                return str(self.client.create_experiment(name, files, tags=TRAINING))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        found = self.study(name)  # another process was faster
        assert found is not None
        return found.id

    @may_lose
    def studies(self) -> list[str]:
        found = self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        return sorted(one.name for one in found if one.name != "Default")

    @may_lose
    def tag_study(self, study: str, tags: Mapping[str, str | None]) -> None:
        for key, value in tags.items():
            if value is None:
                self.client.delete_experiment_tag(study, key)
            else:
                self.client.set_experiment_tag(study, key, value)

    @may_lose
    def trials(
        self,
        study: str,
        *,
        curves: bool = False,
        hashes: Collection[str] | None = None,
        job: str | None = None,
        running: bool = False,
    ) -> list[TrialRun]:
        asked = "tags.kind = 'trial'"
        if job is not None:
            asked += f" AND tags.job = '{job}'"
        if running:
            asked += " AND attributes.status = 'RUNNING'"
        found = []
        for run in self._asked(study, asked, hashes):
            tags, name = run.data.tags, run.info.run_id
            if tags.keys() >= OURS and (hashes is None or tags["config_hash"] in hashes):
                one = _plain(run)
                if curves:
                    one.history = {key: self._history(name, key) for key in run.data.metrics}
                found.append(one)
        return self._seen(study, found)

    @may_lose
    def trash(self, runs: Iterable[str]) -> None:
        for run in runs:
            self.client.delete_run(run)

    @may_lose
    def summary(self, study: str) -> str | None:
        found = self.client.search_runs([study], "tags.kind = 'summary'", max_results=1)
        return str(found[0].info.run_id) if found else None

    @may_lose
    def make_summary(self, study: str, name: str) -> str:
        tags = {"kind": "summary", "study": name}
        run = self.client.create_run(study, run_name="summary", tags=tags)
        self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    @may_lose
    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self.client.log_batch(
            run,
            metrics=[Metric(name, number, now, 0) for name, number in metrics.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )

    @may_lose
    def put_text(self, run: str, name: str, text: str) -> None:
        self.client.log_text(run, text, name)

    @may_lose
    def put_folder(self, run: str, folder: Path, name: str) -> None:
        self.client.log_artifacts(run, str(folder), name)

    @may_lose
    def holds(self, run: str, name: str) -> bool:
        return name in {one.path for one in self.client.list_artifacts(run)}

    @may_lose
    def text(self, run: str, name: str) -> str | None:
        if not self.holds(run, name):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.client.download_artifacts(run, name, folder)).read_text("utf-8")

    def recorder(self, study: str, specs: Sequence[TrialSpec], launcher: str) -> Recorder:
        return ClientRecorder(self, self.client, study, specs, launcher)

    def _asked(self, study: str, asked: str, hashes: Collection[str] | None) -> Iterator[Run]:
        """MLflow can be asked for one hash; for many it is quicker to look through all runs."""
        if hashes is None or len(hashes) > MANY:
            yield from self._runs(study, asked)
            return
        for key in hashes:
            yield from self._runs(study, f"{asked} AND tags.config_hash = '{key}'")

    def _runs(self, study: str, asked: str) -> Iterator[Run]:
        token = None
        while True:
            page = self.client.search_runs([study], asked, max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _history(self, run: str, key: str) -> list[Value]:
        logged = self.client.get_metric_history(run, key)
        return sorted((one.step, one.timestamp, one.value) for one in logged)

    def _seen(self, study: str, found: list[TrialRun]) -> list[TrialRun]:
        """With when the processes of other machines were last there."""
        far = [run for run in found if run.status == "RUNNING" and not on_this_machine(run.tags)]
        signs = heartbeat.signs(self.client.get_experiment(study).tags) if far else {}
        for run in far:
            run.alive = signs.get(heartbeat.name(run.tags), 0.0)
        return found


def _plain(run: Run) -> TrialRun:
    """MLflow's own view of a trial as ours."""
    tags, latest = dict(run.data.tags), dict(run.data.metrics)
    return TrialRun(
        str(run.info.run_id), run.info.status, tags, latest, ended=(run.info.end_time or 0) / 1000
    )


def connect(uri: str) -> MlflowClient:
    """A client of a store; of a file, which is created where it is missing, too.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """
    try:
        if (path := sqlite_path(uri)) is not None:
            return _answering(f"sqlite:///{path.absolute()}")
        if is_database(uri):
            _reach(uri)
            return cast(MlflowClient, Patient(_answering(uri), waits=True))
        with nullcontext() if serves() else _impatient():
            return cast(MlflowClient, Patient(_answering(uri)))
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        raise cannot_open(uri, error) from error


def _reach(uri: str) -> None:
    """Wait for a database to answer; one that nobody has reached before has to do so at once.

    MLflow alone would try a wrong address for most of an hour.
    """
    deadline = time.monotonic() + (retry.PATIENCE if serves() else 0.0)
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
        time.sleep(retry.PAUSE)


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
