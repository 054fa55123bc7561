"""Conversion of MLflow's runs to results and records of trials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.spec import CurvePoint, Phase, Status, TrialRecord, TrialResult, Tuning, protocol
from bench.tracking import claims
from bench.tracking.store import Store, TrialRun, Value
from bench.tracking.tags import SUMMARY


def select_results(runs: Iterable[TrialRun]) -> dict[str, TrialResult]:
    """Return the trials that need not run again, by ``config_hash``, without their curves.

    Of several results of one trial that counts which ``protocol.rank_record`` puts first.
    """
    results = [run for run in runs if claims.is_result(run)]
    results.sort(
        key=lambda run: protocol.rank_record(run.tags["status"], run.generation, run.ended),
        reverse=True,
    )
    return {run.config_hash: to_result(run) for run in results}


def to_result(run: TrialRun) -> TrialResult:
    """Convert a run that has ended, without its curve."""
    return TrialResult(
        Status(run.tags["status"]),
        run.tags.get("reason", ""),
        summary=_to_summary(run),
        ended_at=run.ended,
        generation=run.generation,
        final=_to_final(run),
    )


def to_whole_result(store: Store, run: TrialRun) -> TrialResult:
    """Convert a run that has ended, with its curve, environment and traceback."""
    tags = run.tags
    return replace(
        to_result(run),
        curve=_to_curve(run.history),
        environment={k[4:]: v for k, v in sorted(tags.items()) if k.startswith("env.")},
        traceback=_read_traceback(store, run.run_id) if tags["status"] == Status.FAILED else "",
    )


def to_record(run: TrialRun, result: TrialResult) -> TrialRecord:
    """Convert a run that has ended with this result."""
    tags = run.tags
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


def _to_summary(run: TrialRun) -> dict[str, float]:
    """Read a summary from its tags; the oldest records have it among the metrics."""
    tags = {name: value for name, value in run.tags.items() if name.startswith(SUMMARY)}
    if tags:
        return {name.removeprefix(SUMMARY): float(value) for name, value in tags.items()}
    return {name: value for name, value in run.latest.items() if not _is_curve_metric(name)}


def _to_final(run: TrialRun) -> dict[str, float]:
    """Return the last value of each metric that is measured on a split."""
    return {name: value for name, value in run.latest.items() if "/" in name}


def _is_curve_metric(name: str) -> bool:
    """Tell ``val/loss`` and ``lr``, which evaluations measure, from numbers of the whole trial."""
    return "/" in name or name == "lr"


def _to_curve(history: Mapping[str, Sequence[Value]]) -> tuple[CurvePoint, ...]:
    points: dict[int, dict[str, float]] = {}
    for name in sorted(history):
        if (_is_curve_metric(name) or name == "train_time_s") and not name.startswith("test/"):
            for step, _, value in history[name]:
                # The first counts: at the last step the summary's training time comes second
                points.setdefault(step, {}).setdefault(name, value)
    # Values at a step without an evaluation belong to the summary
    return tuple(
        CurvePoint(step, points[step])
        for step in sorted(points)
        if any(name.startswith("val/") for name in points[step])
    )


def _read_traceback(store: Store, run_id: str) -> str:
    """Of a failed trial. A worker that was killed left none; nor does a store that was moved."""
    text = store.read_text(run_id, "traceback.txt")
    return "(no traceback is kept of this trial)" if text is None else text
