"""What a store knows of a study's trials: records for reports, answers for sweeps."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from mlflow.exceptions import MlflowException

from bench.embedded import claims
from bench.embedded.lookup import answered, is_curve, result_of, summary_of
from bench.embedded.rows import TrialRun, Value
from bench.processes import alive, on_this_machine
from bench.spec import (
    CurvePoint,
    Phase,
    RefusedInput,
    Status,
    TrialRecord,
    TrialResult,
    Tuning,
)
from bench.tracking import lease
from bench.tracking.client import connect, experiment, experiment_id, prepare, studies
from bench.tracking.fetch import plain, runs, trial_runs
from bench.tracking.lost import may_lose
from bench.tracking.summary import find_summary


@may_lose
def read(uri: str, study: str) -> list[TrialRecord]:
    """Every trial of a study that has ended, complete with its curve.

    Raises:
        RefusedInput: there is no such study.
    """
    if experiment_id(uri, study) is None:
        raise RefusedInput(
            f"study={study}: not in {uri}; it holds {', '.join(studies(uri)) or 'none'}"
        )
    found = trial_runs(uri, study, curves=True)
    return [record(uri, run) for run in found if run.status != "RUNNING"]


@may_lose
def answers(uri: str, study: str, hashes: Collection[str] | None = None) -> dict[str, TrialResult]:
    """The trials of a study that need not run again, by ``config_hash``, without their curves.

    Of a trial that was run anew (``fresh=true``) the latest answer counts.

    Args:
        hashes: only these are looked up; None for all.
    """
    return answered(trial_runs(uri, study, curves=False, hashes=hashes))


@may_lose
def held(uri: str, study: str, hashes: Collection[str]) -> set[str]:
    """Those of these hashes whose trial another process runs now."""
    found = trial_runs(uri, study, curves=False, hashes=hashes)
    return {run.tags["config_hash"] for run in found if claims.running(run)}


def resume(uri: str, study: str, hashes: Collection[str] | None = None) -> dict[str, TrialResult]:
    """Open a study to go on with it: what was interrupted is gone, what is answered is returned."""
    prepare(uri, study)
    discard_interrupted(uri, study)
    return answers(uri, study, hashes)


@may_lose
def discard_interrupted(uri: str, study: str) -> int:
    """Delete runs whose process is gone without ending them; returns how many.

    Of a process of another machine that is certain once it has been silent for ``claims.LEASE``.
    """
    found = experiment(uri, study)
    if found is None:
        return 0
    signs = lease.signs(found.tags)
    silent = {name for name, at in signs.items() if time.time() - at > claims.LEASE}

    def gone(tags: Mapping[str, str]) -> bool:
        return not alive(tags) if on_this_machine(tags) else lease.name(tags) in silent

    count = _discard(uri, study, gone)
    for name in silent:
        connect(uri).delete_experiment_tag(found.experiment_id, name)
    return count


@may_lose
def release(uri: str, study: str, job: str) -> int:
    """Delete what a job of a cluster has not ended, now that it is known to be gone."""
    return _discard(uri, study, lambda tags: tags.get("job") == job)


def _discard(uri: str, study: str, gone: Callable[[Mapping[str, str]], bool]) -> int:
    running = runs(uri, study, " AND attributes.status = 'RUNNING'")
    found = [run.info.run_id for run in running if gone(run.data.tags)]
    for run_id in found:
        connect(uri).delete_run(run_id)
    return len(found)


@may_lose
def ended_in(uri: str, study: str, job: str) -> dict[str, TrialResult]:
    """How the trials ended that a job of a cluster recorded, by ``config_hash``; no curves."""
    its = f" AND tags.job = '{job}' AND attributes.status != 'RUNNING'"
    found = [plain(run) for run in runs(uri, study, its)]
    return {run.tags["config_hash"]: result_of(run) for run in found}


def record(uri: str, run: TrialRun) -> TrialRecord:
    """A run that has ended as a record."""
    tags = run.tags
    result = TrialResult(
        Status(tags["status"]),
        tags.get("reason", ""),
        curve=_curve(run.history),
        summary=summary_of(run),
        environment={k[4:]: v for k, v in sorted(tags.items()) if k.startswith("env.")},
        traceback=_traceback(uri, run.run_id) if tags["status"] == Status.FAILED else "",
        ended_at=run.ended,
    )
    return TrialRecord(
        run.run_id,
        tags["study"],
        tags["config_hash"],
        json.loads(tags["config"]),
        json.loads(tags["point"]),
        result,
        Phase(tags.get("phase", Phase.EXPLORE)),
        Tuning(**json.loads(tags["tuning"])) if "tuning" in tags else None,
        tags.get("reference", "adam"),
    )


def attached_text(uri: str, study: str, name: str) -> str | None:
    """A text file of the study's summary run; None where there is none."""
    client, run = connect(uri), find_summary(uri, study)
    if run is None or name not in {one.path for one in client.list_artifacts(run)}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run, name, folder)).read_text()


def _curve(history: Mapping[str, Sequence[Value]]) -> tuple[CurvePoint, ...]:
    points: dict[int, dict[str, float]] = {}
    for name in sorted(history):
        if is_curve(name) or name == "train_time_s":
            for step, _, value in history[name]:
                # The first counts: at the last step the summary's training time comes second
                points.setdefault(step, {}).setdefault(name, value)
    complete = {  # what stands at a step without an evaluation belongs to the summary
        step: values
        for step, values in points.items()
        if any(name.startswith("val/") for name in values)
    }
    return tuple(CurvePoint(step, complete[step]) for step in sorted(complete))


def _traceback(uri: str, run_id: str) -> str:
    """Of a failed trial. A worker that was killed left none; nor does a store that was moved."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = connect(uri).download_artifacts(run_id, "traceback.txt", folder)
        except (OSError, MlflowException) as error:
            return f"(no traceback is kept of this trial: {error})"
        return Path(path).read_text()
