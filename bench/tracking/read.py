"""What a store knows of a study's trials: records for reports, answers for sweeps."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mlflow.exceptions import MlflowException

from bench.embedded import claims
from bench.embedded.lookup import answered, is_curve, summary_of
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
from bench.tracking.client import connect, experiment_id, prepare, studies
from bench.tracking.fetch import runs, trial_runs
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
    """Those of these hashes whose trial another process of this machine runs now."""
    found = trial_runs(uri, study, curves=False, hashes=hashes)
    return {run.tags["config_hash"] for run in found if claims.running(run)}


def resume(uri: str, study: str, hashes: Collection[str] | None = None) -> dict[str, TrialResult]:
    """Open a study to go on with it: what was interrupted is gone, what is answered is returned."""
    prepare(uri, study)
    discard_interrupted(uri, study)
    return answers(uri, study, hashes)


@may_lose
def discard_interrupted(uri: str, study: str) -> int:
    """Delete runs of this machine whose process is gone without ending them; returns how many."""
    gone = [
        run.info.run_id
        for run in runs(uri, study, " AND attributes.status = 'RUNNING'")
        if on_this_machine(run.data.tags) and not alive(run.data.tags)
    ]
    for run_id in gone:
        connect(uri).delete_run(run_id)
    return len(gone)


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
