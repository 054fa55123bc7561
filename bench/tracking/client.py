"""The record of trials in MLflow: write, look up, read. The only file that imports it.

A study is an MLflow experiment, a trial one top-level run in it. A run exists from the trial's
start, so that its curves can be watched; one that was interrupted is deleted, never counted.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from types import TracebackType

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a wrong address is answered soon

from mlflow.entities import Experiment, Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bench.address import sqlite_path
from bench.hyperparameters import hyperparameters
from bench.spec import (
    CurvePoint,
    Phase,
    RefusedInput,
    Status,
    TrialRecord,
    TrialResult,
    TrialSpec,
    Tuning,
    point_label,
)

for _noisy in ("mlflow", "alembic"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tells MLflow's pages that a study is made of training runs, not of language-model traces."""

ANSWERS = (Status.FINISHED, Status.DIVERGED, Status.SKIPPED)
"""A trial that ended so is not run again; one that failed is."""


def prepare(uri: str, study: str) -> str:
    """Open the store, creating it and the study where missing; returns the experiment's id.

    Call it in the parent before workers start: several processes that meet a missing SQLite store
    die in each other's migrations.

    Raises:
        RefusedInput: the store cannot be opened or does not answer.
    """
    client = _client(uri)
    experiment = client.get_experiment_by_name(study)
    if experiment is not None:
        return str(experiment.experiment_id)
    artifacts = None
    if path := sqlite_path(uri):
        artifacts = (path.parent / "artifacts" / study).absolute().as_uri()
    return str(client.create_experiment(study, artifact_location=artifacts, tags=TRAINING))


def discard_interrupted(uri: str, study: str) -> int:
    """Delete runs of this machine whose process is gone without ending them; returns how many."""
    gone = [
        run
        for run in runs(uri, study)
        if run.info.status == "RUNNING"
        and run.data.tags.get("host") == socket.gethostname()
        and not _alive(int(run.data.tags["pid"]))
    ]
    for run in gone:
        _client(uri).delete_run(run.info.run_id)
    return len(gone)


def answers(uri: str, study: str) -> dict[str, TrialResult]:
    """The trials of a study that need not run again, by ``config_hash``, without their curves."""
    found = {}
    for run in runs(uri, study):
        if run.info.status != "RUNNING" and run.data.tags["status"] in ANSWERS:
            found[run.data.tags["config_hash"]] = TrialResult(
                Status(run.data.tags["status"]),
                run.data.tags.get("reason", ""),
                summary=dict(run.data.metrics),
            )
    return found


def resume(uri: str, study: str) -> dict[str, TrialResult]:
    """Open a study to go on with it: what was interrupted is gone, what is answered is returned."""
    prepare(uri, study)
    discard_interrupted(uri, study)
    return answers(uri, study)


class Recorder:
    """One trial's run while it happens: ``with Recorder(uri, spec) as run: run.log(point) …``.

    Points are sent in batches, at most one a second. Leaving without ``finish`` deletes the run.
    """

    def __init__(self, uri: str, spec: TrialSpec, launcher: str) -> None:
        self._uri = uri
        self._client = _client(uri)
        self._buffer: list[CurvePoint] = []
        self._sent_at = time.monotonic()
        self._finished = False
        run = self._client.create_run(
            prepare(uri, spec.study),
            run_name=run_name(spec),
            tags=run_tags(spec) | {"launcher": launcher},
        )
        self.run_id = str(run.info.run_id)
        self._client.log_batch(self.run_id, params=run_params(spec))

    def __enter__(self) -> Recorder:
        return self

    def log(self, point: CurvePoint) -> None:
        """Note one evaluation."""
        self._buffer.append(point)
        if time.monotonic() - self._sent_at > 1.0:
            self._send(self._buffer)

    def finish(self, result: TrialResult) -> None:
        """Write what remains and how it ended; the run is then complete."""
        last = result.curve[-1].step if result.curve else 0
        sent = {point.step for point in result.curve} - {point.step for point in self._buffer}
        rest = [point for point in result.curve if point.step not in sent or point.step == last]
        self._send([*rest, CurvePoint(last, result.summary)])
        if result.traceback:
            attach_traceback(self._uri, self.run_id, result.traceback)
        self._client.log_batch(
            self.run_id, tags=[RunTag(k, v) for k, v in end_tags(result).items()]
        )
        failed = result.status is Status.FAILED
        self._client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")
        self._finished = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if not self._finished:
            self._client.delete_run(self.run_id)

    def _send(self, points: list[CurvePoint]) -> None:
        now = int(time.time() * 1000)
        metrics = [
            Metric(name, value, now, point.step)
            for point in points
            for name, value in point.values.items()
        ]
        for start in range(0, len(metrics), 1000):  # MLflow's limit a batch
            self._client.log_batch(self.run_id, metrics=metrics[start : start + 1000])
        self._buffer.clear()
        self._sent_at = time.monotonic()


def studies(uri: str) -> list[str]:
    """Names of the studies in a store."""
    found = _client(uri).search_experiments(view_type=ViewType.ACTIVE_ONLY)
    return sorted(experiment.name for experiment in found if experiment.name != "Default")


def read(uri: str, study: str) -> list[TrialRecord]:
    """Every trial of a study that has ended, complete with its curve.

    Raises:
        RefusedInput: there is no such study.
    """
    if _experiment(uri, study) is None:
        raise RefusedInput(
            f"study={study}: not in {uri}; it holds {', '.join(studies(uri)) or 'none'}"
        )
    return [_record(uri, run) for run in runs(uri, study) if run.info.status != "RUNNING"]


def attach_traceback(uri: str, run_id: str, text: str) -> None:
    """Put the traceback of a failed trial on its run."""
    _client(uri).log_text(run_id, text, "traceback.txt")


def attach_report(uri: str, study: str, directory: Path) -> None:
    """Put a report's files on the study's summary run, making that run if it is the first."""
    client = _client(uri)
    experiment_id = prepare(uri, study)
    found = client.search_runs([experiment_id], "tags.kind = 'summary'", max_results=1)
    run = (
        found[0]
        if found
        else client.create_run(
            experiment_id, run_name="summary", tags={"kind": "summary", "study": study}
        )
    )
    client.log_artifacts(run.info.run_id, str(directory), "report")
    client.set_terminated(run.info.run_id)


@lru_cache(maxsize=4)
def _client(uri: str) -> MlflowClient:
    path = sqlite_path(uri)
    try:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        cause = str(error).split("\n", maxsplit=1)[0]
        raise RefusedInput(f"tracking.uri={uri}: cannot be opened: {cause}") from error
    if path:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # readers do not block writers
    return client


def _experiment(uri: str, study: str) -> Experiment | None:
    return _client(uri).get_experiment_by_name(study)


def runs(uri: str, study: str) -> Iterator[Run]:
    """The trials of a study, running ones included; none if the study does not exist."""
    experiment = _experiment(uri, study)
    token = None
    while experiment is not None:
        page = _client(uri).search_runs(
            [experiment.experiment_id], "tags.kind = 'trial'", max_results=1000, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def run_tags(spec: TrialSpec) -> dict[str, str]:
    """What a run of this trial is tagged with from its start."""
    return {
        "kind": "trial",
        "study": spec.study,
        "task": spec.task.name,
        "optimizer": spec.optimizer.name,
        "model": spec.model.name,
        "schedule": spec.schedule.name,
        "seed": str(spec.seed),
        "point": json.dumps(dict(spec.optimizer.point)),
        "status": "running",
        "config_hash": spec.config_hash,
        "config": json.dumps(spec.config()),
        "phase": str(spec.phase),
        "reference": spec.reference,
        **({"tuning": json.dumps(asdict(spec.tuning))} if spec.tuning else {}),
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
    }


def end_tags(result: TrialResult) -> dict[str, str]:
    """What a run is tagged with when its trial has ended."""
    environment = {f"env.{name}": value for name, value in result.environment.items()}
    return {"status": str(result.status), "reason": result.reason[:5000], **environment}


def run_name(spec: TrialSpec) -> str:
    """``digits adam lr=0.01 s3``."""
    point = point_label(spec.optimizer.point)
    return f"{spec.task.name} {spec.optimizer.name} {point} s{spec.seed}"


def run_params(spec: TrialSpec) -> list[Param]:
    """Hyperparameters and settings, to be shown beside a run."""
    values: Mapping[str, object] = {
        **{f"hp.{name}": value for name, value in hyperparameters(spec.optimizer).items()},
        "batch_size": spec.batch_size,
        "budget.steps": spec.budget.steps,
        "precision": spec.precision,
    }
    return [Param(name, str(value)) for name, value in values.items()]


def _record(uri: str, run: Run) -> TrialRecord:
    tags = run.data.tags
    result = TrialResult(
        Status(tags["status"]),
        tags.get("reason", ""),
        curve=_curve(uri, run),
        summary={k: v for k, v in run.data.metrics.items() if not _is_curve(k)},
        environment={k[4:]: v for k, v in tags.items() if k.startswith("env.")},
        traceback=_traceback(uri, run) if tags["status"] == Status.FAILED else "",
    )
    return TrialRecord(
        run.info.run_id,
        tags["study"],
        tags["config_hash"],
        json.loads(tags["config"]),
        json.loads(tags["point"]),
        result,
        Phase(tags.get("phase", Phase.EXPLORE)),
        Tuning(**json.loads(tags["tuning"])) if "tuning" in tags else None,
        tags.get("reference", "adam"),
    )


def _is_curve(metric: str) -> bool:
    return "/" in metric or metric == "lr"


def _curve(uri: str, run: Run) -> tuple[CurvePoint, ...]:
    points: dict[int, dict[str, float]] = {}
    names = [name for name in run.data.metrics if _is_curve(name) or name == "train_time_s"]
    for name in names:
        for metric in _client(uri).get_metric_history(run.info.run_id, name):
            points.setdefault(metric.step, {})[name] = metric.value
    complete = {  # what stands at a step without an evaluation belongs to the summary
        step: values
        for step, values in points.items()
        if any(name.startswith("val/") for name in values)
    }
    return tuple(CurvePoint(step, complete[step]) for step in sorted(complete))


def _traceback(uri: str, run: Run) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = _client(uri).download_artifacts(run.info.run_id, "traceback.txt", folder)
        return Path(path).read_text()


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for (a zombie) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs under another user
        return True
    stat = Path(f"/proc/{pid}/stat")  # Linux: "pid (name) state …"
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def attach_text(uri: str, study: str, name: str, text: str) -> None:
    pass
