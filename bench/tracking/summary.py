"""What hangs on a study as a whole: one run of its own, with the report and what sums it up."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Metric

from bench.embedded.naming import SEPARATOR
from bench.tracking.client import connect, experiment_id, prepare
from bench.tracking.views import share

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as a description, in Markdown."""


def attach_report(uri: str, study: str, directory: Path) -> None:
    """Put a report's files on the study's summary run."""
    connect(uri).log_artifacts(summary_run(uri, study), str(directory), "report")


def attach_text(uri: str, study: str, name: str, text: str) -> None:
    """Put a text file on the study's summary run, in place of one of that name."""
    connect(uri).log_text(summary_run(uri, study), text, name)


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
    client, run, experiment = connect(uri), summary_run(uri, study), prepare(uri, study)
    now = int(time.time() * 1000)
    client.log_batch(run, metrics=[Metric(key, one, now, 0) for key, one in metrics.items()])
    for name, columns in tables.items():
        # MlflowClient.log_table would append to the table of an earlier report
        client.log_text(run, _as_table(columns), f"{name}.json")
    listed = [{"path": f"{name}.json", "type": "table"} for name in tables]
    client.set_tag(run, "mlflow.loggedArtifacts", json.dumps(listed))
    client.set_tag(run, NOTE, note)
    links = [f"[{view.name}]({view.path})" for view in share(uri, study)]
    if report := report_path(uri, study):
        links.insert(0, f"[report]({report})")
    client.set_experiment_tag(experiment, NOTE, f"{note}\n\n{SEPARATOR.join(links)}")


def report_path(uri: str, study: str) -> str | None:
    """What follows a server's address to show the report; None where none was attached."""
    run = find_summary(uri, study)
    if run is None or all(one.path != "report" for one in connect(uri).list_artifacts(run)):
        return None
    return (
        f"#/experiments/{experiment_id(uri, study)}/runs/{run}/artifacts/report/index.html"
        "?workflowType=machine_learning"
    )


def find_summary(uri: str, study: str) -> str | None:
    """The id of the run that stands for the whole study; None where there is none."""
    experiment = experiment_id(uri, study)
    if experiment is None:
        return None
    found = connect(uri).search_runs([experiment], "tags.kind = 'summary'", max_results=1)
    return str(found[0].info.run_id) if found else None


def summary_run(uri: str, study: str) -> str:
    """Its id; it is made where it is missing."""
    experiment = prepare(uri, study)
    if (found := find_summary(uri, study)) is not None:
        return found
    client = connect(uri)
    tags = {"kind": "summary", "study": study}
    run = client.create_run(experiment, run_name="summary", tags=tags)
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def _as_table(columns: Mapping[str, Sequence[Any]]) -> str:
    rows = [[_plain(one) for one in row] for row in zip(*columns.values(), strict=True)]
    return json.dumps({"columns": list(columns), "data": rows}, allow_nan=False)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
