"""What hangs on a study as a whole: one run of its own, with the report and what sums it up."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.tracking.naming import SEPARATOR
from bench.tracking.opening import opened, prepare
from bench.tracking.views import share

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as a description, in Markdown."""


def attach_report(uri: str, study: str, directory: Path) -> None:
    """Put a report's files on the study's summary run."""
    opened(uri).put_folder(summary_run(uri, study), directory, "report")


def attach_text(uri: str, study: str, name: str, text: str) -> None:
    """Put a text file on the study's summary run, in place of one of that name."""
    opened(uri).put_text(summary_run(uri, study), name, text)


def attached_text(uri: str, study: str, name: str) -> str | None:
    """A text file of the study's summary run; None where there is none."""
    run = find_summary(uri, study)
    return None if run is None else opened(uri).text(run, name)


def summarize(
    uri: str,
    study: str,
    *,
    note: str,
    metrics: Mapping[str, float],
    tables: Mapping[str, Mapping[str, Sequence[Any]]],
) -> None:
    """Say on the study and on its summary run what came of it; a later summary takes its place.

    The study's description also leads to its saved views and to its report.

    Args:
        note: what to look at, in Markdown.
        metrics: numbers of the study, e.g. ``{"trials/finished": 80}``.
        tables: by their names, e.g. ``leaderboard``; of each its columns, equally long. MLflow
            shows them as tables; what JSON does not know (NaN, ∞) is written as text.
    """
    store, run = opened(uri), summary_run(uri, study)
    for name, columns in tables.items():
        # MlflowClient.log_table would append to the table of an earlier report
        store.put_text(run, f"{name}.json", _as_table(columns))
    listed = [{"path": f"{name}.json", "type": "table"} for name in tables]
    store.describe(run, {"mlflow.loggedArtifacts": json.dumps(listed), NOTE: note}, metrics)
    links = [f"[{view.name}]({view.path})" for view in share(uri, study)]
    if report := report_path(uri, study):
        links.insert(0, f"[report]({report})")
    store.tag_study(prepare(uri, study), {NOTE: f"{note}\n\n{SEPARATOR.join(links)}"})


def report_path(uri: str, study: str) -> str | None:
    """What follows a server's address to show the report; None where none was attached."""
    run = find_summary(uri, study)
    if run is None or not opened(uri).holds(run, "report"):
        return None
    return (
        f"#/experiments/{prepare(uri, study)}/runs/{run}/artifacts/report/index.html"
        "?workflowType=machine_learning"
    )


def find_summary(uri: str, study: str) -> str | None:
    """The id of the run that stands for the whole study; None where there is none."""
    found = opened(uri).study(study)
    return None if found is None else opened(uri).summary(found.id)


def summary_run(uri: str, study: str) -> str:
    """Its id; it is made where it is missing."""
    number = prepare(uri, study)
    return opened(uri).summary(number) or opened(uri).make_summary(number, study)


def _as_table(columns: Mapping[str, Sequence[Any]]) -> str:
    rows = [[_plain(one) for one in row] for row in zip(*columns.values(), strict=True)]
    return json.dumps({"columns": list(columns), "data": rows}, allow_nan=False)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
