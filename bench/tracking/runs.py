"""What a store has answered; of an embedded one before anything is made or opened to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from bench.spec import RefusedInput, Status, TrialResult
from bench.tracking import claims
from bench.tracking.sqlite.read import TrialRun, from_tables
from bench.tracking.sqlite.schema import embedded, has_write_ahead_log, open_tables
from bench.tracking.uri import check_local, sqlite_path

SUMMARY = "summary."
"""Prefix of the tags that hold a result's summary. As metrics they would each be drawn as a chart,
though they are one number a trial; as tags they also keep every digit, NaN and ∞."""


def lookup(uri: str, study: str, config_hash: str) -> TrialResult | None:
    """The answer of an embedded store; None where it has none, and where it has to be made first.

    Whatever is wrong with the store is left to whoever opens it to write.
    """
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return None
    with suppress(sqlite3.Error, RefusedInput):
        check_local(uri, path)
        if has_write_ahead_log(path) and embedded(uri):
            experiment = _experiment(path, study)
            if experiment is not None:
                found = from_tables(path, experiment, curves=False, hashes={config_hash})
                return answered(found).get(config_hash)
    return None


def _experiment(path: Path, study: str) -> str | None:
    with closing(open_tables(path)) as store:
        row = store.execute(
            "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage = 'active'",
            (study,),
        ).fetchone()
    return None if row is None else str(row[0])


def answered(runs: Iterable[TrialRun]) -> dict[str, TrialResult]:
    """Of the trials of a study those that need not run again, by ``config_hash``; no curves."""
    return {
        run.tags["config_hash"]: result_of(run)
        for run in sorted(runs, key=lambda run: run.ended)
        if claims.answers(run)
    }


def result_of(run: TrialRun) -> TrialResult:
    """How a trial ended, without its curve."""
    return TrialResult(
        Status(run.tags["status"]),
        run.tags.get("reason", ""),
        summary=summary_of(run),
        ended_at=run.ended,
        final=final_of(run),
    )


def final_of(run: TrialRun) -> dict[str, float]:
    """The last value of each metric that is measured on a split."""
    return {name: value for name, value in run.latest.items() if "/" in name}


def summary_of(run: TrialRun) -> dict[str, float]:
    """From its tags; records from before there were any have it among the metrics."""
    told = {name: value for name, value in run.tags.items() if name.startswith(SUMMARY)}
    if told:
        return {name.removeprefix(SUMMARY): float(value) for name, value in told.items()}
    return {name: value for name, value in run.latest.items() if not is_curve(name)}


def is_curve(metric: str) -> bool:
    """Whether it is measured at evaluations only: ``val/loss``, ``lr``; summaries have no split."""
    return "/" in metric or metric == "lr"
