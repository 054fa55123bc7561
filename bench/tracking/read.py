"""What a store knows of a study's trials: records for reports, answers for sweeps."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bench.runtime.processes import alive, on_this_machine
from bench.spec import (
    CurvePoint,
    Phase,
    RefusedInput,
    Status,
    TrialRecord,
    TrialResult,
    Tuning,
)
from bench.tracking import claims
from bench.tracking.opening import opened, prepare
from bench.tracking.runs import answered, is_curve, result_of, summary_of
from bench.tracking.server import heartbeat
from bench.tracking.sqlite.read import TrialRun, Value
from bench.tracking.store import Store, Study


def studies(uri: str) -> list[str]:
    """Names of the studies in a store."""
    return opened(uri).studies()


def read(uri: str, study: str, *, curves: bool = True) -> list[TrialRecord]:
    """Every trial of a study that has ended.

    Args:
        curves: with them and tracebacks; else the last values stand in ``summary``.

    Raises:
        RefusedInput: there is no such study.
    """
    store = opened(uri)
    found = store.study(study)
    if found is None:
        raise RefusedInput(
            f"study={study}: not in {uri}; it holds {', '.join(studies(uri)) or 'none'}"
        )
    runs = store.trials(found.id, curves=curves)
    return [record(store, run, curves=curves) for run in runs if run.status != "RUNNING"]


def answers(uri: str, study: str, hashes: Collection[str] | None = None) -> dict[str, TrialResult]:
    """The trials of a study that need not run again, by ``config_hash``, without their curves.

    Of a trial that was run anew (``fresh=true``) the latest answer counts.

    Args:
        hashes: only these are looked up; None for all.
    """
    return answered(_trials(uri, study, hashes=hashes))


def held(uri: str, study: str, hashes: Collection[str]) -> set[str]:
    """Those of these hashes whose trial another process runs now."""
    runs = _trials(uri, study, hashes=hashes)
    return {run.tags["config_hash"] for run in runs if claims.running(run)}


def resume(uri: str, study: str) -> list[TrialRecord]:
    """Open a study to continue it: discard interrupted runs, return those that ended.

    The study is made where it is missing. Its trials are read once, without curves.
    """
    prepare(uri, study)
    store = opened(uri)
    found = store.study(study)
    assert found is not None
    runs = store.trials(found.id)
    _discard(store, found, runs)
    return [record(store, run, curves=False) for run in runs if run.status != "RUNNING"]


def discard_interrupted(uri: str, study: str) -> int:
    """Delete runs whose process is gone without ending them; returns how many.

    Of a process of another machine that is certain once it has been silent for ``claims.LEASE``.
    """
    store = opened(uri)
    found = store.study(study)
    if found is None:
        return 0
    return _discard(store, found, store.trials(found.id, running=True))


def _discard(store: Store, study: Study, runs: Iterable[TrialRun]) -> int:
    signs = heartbeat.signs(study.tags)
    silent = {name for name, at in signs.items() if time.time() - at > claims.LEASE}

    def gone(run: TrialRun) -> bool:
        tags = run.tags
        return not alive(tags) if on_this_machine(tags) else heartbeat.name(tags) in silent

    interrupted = [run.run_id for run in runs if run.status == "RUNNING" and gone(run)]
    store.trash(interrupted)
    store.tag_study(study.id, dict.fromkeys(silent))
    return len(interrupted)


def release(uri: str, study: str, job: str) -> int:
    """Delete what a job of a cluster has not ended, now that it is known to be gone."""
    left = [run.run_id for run in _trials(uri, study, job=job, running=True)]
    opened(uri).trash(left)
    return len(left)


def ended_in(uri: str, study: str, job: str) -> dict[str, TrialResult]:
    """How the trials ended that a job of a cluster recorded, by ``config_hash``; no curves."""
    runs = _trials(uri, study, job=job)
    return {run.tags["config_hash"]: result_of(run) for run in runs if run.status != "RUNNING"}


def _trials(uri: str, study: str, **which: Any) -> list[TrialRun]:
    """Those that ``Store.trials`` gives for these words; none without the study."""
    found = opened(uri).study(study)
    return [] if found is None else opened(uri).trials(found.id, **which)


def record(store: Store, run: TrialRun, *, curves: bool = True) -> TrialRecord:
    """A run that has ended as a record."""
    tags = run.tags
    return TrialRecord(
        run.run_id,
        tags["study"],
        tags["config_hash"],
        json.loads(tags["config"]),
        json.loads(tags["point"]),
        _whole_result(store, run) if curves else result_of(run),
        Phase(tags.get("phase", Phase.EXPLORE)),
        Tuning(**json.loads(tags["tuning"])) if "tuning" in tags else None,
        tags.get("reference", "adam"),
    )


def _whole_result(store: Store, run: TrialRun) -> TrialResult:
    """How a trial ended, with its curve, environment and traceback."""
    tags = run.tags
    return TrialResult(
        Status(tags["status"]),
        tags.get("reason", ""),
        curve=_curve(run.history),
        summary=summary_of(run),
        environment={k[4:]: v for k, v in sorted(tags.items()) if k.startswith("env.")},
        traceback=_traceback(store, run.run_id) if tags["status"] == Status.FAILED else "",
        ended_at=run.ended,
    )


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


def _traceback(store: Store, run_id: str) -> str:
    """Of a failed trial. A worker that was killed left none; nor does a store that was moved."""
    kept = store.text(run_id, "traceback.txt")
    return "(no traceback is kept of this trial)" if kept is None else kept
