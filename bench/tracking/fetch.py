"""The runs of a study as plain data: a handful of queries on an embedded store's tables, else by
MLflow's client, which has no bulk read: a call for each run and metric."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlflow.entities import Run

from bench.embedded.rows import OURS, TrialRun, Value, from_tables
from bench.embedded.tables import embedded
from bench.tracking.client import connect, experiment_id


def trial_runs(
    uri: str, study: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """The trials of a study, the latest first, running ones included; none without the study.

    Args:
        curves: whether the histories are wanted.
        hashes: only trials with one of these config hashes; None for all.
    """
    experiment = experiment_id(uri, study)
    if experiment is None:
        return []
    path = embedded(uri)
    if path is not None:
        return from_tables(path, experiment, curves=curves, hashes=hashes)
    return from_client(uri, study, curves=curves, hashes=hashes)


def from_client(
    uri: str, study: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """Of any store."""
    found = []
    for run in runs(uri, study, _condition(hashes)):
        data, name = run.data, run.info.run_id
        if data.tags.keys() >= OURS and (hashes is None or data.tags["config_hash"] in hashes):
            one = TrialRun(name, run.info.status, dict(data.tags), dict(data.metrics))
            one.ended = (run.info.end_time or 0) / 1000
            if curves:
                one.history = {key: _history(uri, name, key) for key in data.metrics}
            found.append(one)
    return found


def _condition(hashes: Collection[str] | None) -> str:
    """MLflow's words for one hash; of several, all runs of the study are looked through."""
    if hashes is None or len(hashes) != 1:
        return ""
    return f" AND tags.config_hash = '{next(iter(hashes))}'"


def runs(uri: str, study: str, condition: str = "") -> Iterator[Run]:
    """MLflow's own view of a study's trials; ``condition`` in its words narrows it."""
    experiment, token = experiment_id(uri, study), None
    while experiment is not None:
        page = connect(uri).search_runs(
            [experiment], f"tags.kind = 'trial'{condition}", max_results=1000, page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return


def _history(uri: str, run_id: str, key: str) -> list[Value]:
    logged = connect(uri).get_metric_history(run_id, key)
    return sorted((one.step, one.timestamp, one.value) for one in logged)
