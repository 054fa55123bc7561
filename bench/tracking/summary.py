"""Summary run of a study: the report and what sums it up."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.tracking.naming import SEPARATOR
from bench.tracking.opening import open_store, prepare
from bench.tracking.store import ensure_summary
from bench.tracking.views import save_views

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as a description, in Markdown."""


def attach_report(uri: str, study: str, directory: Path) -> None:
    """Put a report's files on the study's summary run."""
    open_store(uri).put_folder(_ensure_summary(uri, study), directory, "report")


def attach_text(uri: str, study: str, name: str, text: str) -> None:
    """Put a text file on the study's summary run, in place of one of that name."""
    open_store(uri).put_text(_ensure_summary(uri, study), name, text)


def read_text(uri: str, study: str, name: str) -> str | None:
    """Read a text file of the study's summary run; None where there is none."""
    store = open_store(uri)
    known = store.find_study(study)
    run = None if known is None else store.find_summary(known.id)
    return None if run is None else store.read_text(run, name)


def summarize(
    uri: str,
    study: str,
    *,
    note: str,
    metrics: Mapping[str, float],
    tables: Mapping[str, Mapping[str, Sequence[Any]]],
) -> None:
    """Write the outcome of a study on it and on its summary run, in place of an earlier one.

    The study's description also leads to its saved views and to its report.

    Args:
        note: what to look at, in Markdown.
        metrics: numbers of the study, e.g. ``{"trials/finished": 80}``.
        tables: by their names, e.g. ``leaderboard``; of each its columns, equally long. MLflow
            shows them as tables; what JSON does not know (NaN, ∞) is written as text.
    """
    store, run = open_store(uri), _ensure_summary(uri, study)
    for name, columns in tables.items():
        # MlflowClient.log_table would append to the table of an earlier report
        store.put_text(run, f"{name}.json", _format_table(columns))
    artifacts = [{"path": f"{name}.json", "type": "table"} for name in tables]
    store.describe(run, {"mlflow.loggedArtifacts": json.dumps(artifacts), NOTE: note}, metrics)
    links = [f"[{view.name}]({view.path})" for view in save_views(uri, study)]
    if report := find_report(uri, study):
        links.insert(0, f"[report]({report})")
    store.tag_study(prepare(uri, study), {NOTE: f"{note}\n\n{SEPARATOR.join(links)}"})


def find_report(uri: str, study: str) -> str | None:
    """Return what follows a server's address to show the report; None where there is none."""
    store = open_store(uri)
    known = store.find_study(study)
    run = None if known is None else store.find_summary(known.id)
    if known is None or run is None or not store.has_file(run, "report"):
        return None
    return (
        f"#/experiments/{known.id}/runs/{run}/artifacts/report/index.html"
        "?workflowType=machine_learning"
    )


def _ensure_summary(uri: str, study: str) -> str:
    return ensure_summary(open_store(uri), prepare(uri, study), study)


def _format_table(columns: Mapping[str, Sequence[Any]]) -> str:
    rows = [[_to_json(value) for value in row] for row in zip(*columns.values(), strict=True)]
    return json.dumps({"columns": list(columns), "data": rows}, allow_nan=False)


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
