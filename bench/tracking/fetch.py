"""The runs of a study as plain data: a handful of queries on an embedded store's tables, else by
MLflow's client, which has no bulk read: a call for each run and metric."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlflow.entities import Run

from bench.embedded.rows import OURS, TrialRun, Value, from_tables
from bench.embedded.tables import embedded
from bench.processes import on_this_machine
from bench.tracking import lease
from bench.tracking.client import connect, experiment_id

MANY = 256
"""Hashes that are asked for one by one at the most: each takes a server some 10 ms."""


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
    return from_client(uri, experiment, curves=curves, hashes=hashes)


def from_client(
    uri: str, experiment: str, *, curves: bool, hashes: Collection[str] | None = None
) -> list[TrialRun]:
    """Of any store."""
    found = []
    for run in _asked(uri, experiment, hashes):
        data, name = run.data, run.info.run_id
        if data.tags.keys() >= OURS and (hashes is None or data.tags["config_hash"] in hashes):
            one = plain(run)
            if curves:
                one.history = {key: _history(uri, name, key) for key in data.metrics}
            found.append(one)
    return _seen(uri, experiment, found)


def _seen(uri: str, experiment: str, found: list[TrialRun]) -> list[TrialRun]:
    """With when the processes of other machines were last there."""
    far = [run for run in found if run.status == "RUNNING" and not on_this_machine(run.tags)]
    signs = lease.signs(connect(uri).get_experiment(experiment).tags) if far else {}
    for run in far:
        run.alive = signs.get(lease.name(run.tags), 0.0)
    return found


def plain(run: Run) -> TrialRun:
    """MLflow's own view of a trial as ours."""
    tags, latest = dict(run.data.tags), dict(run.data.metrics)
    return TrialRun(
        str(run.info.run_id), run.info.status, tags, latest, ended=(run.info.end_time or 0) / 1000
    )


def _asked(uri: str, experiment: str, hashes: Collection[str] | None) -> Iterator[Run]:
    """MLflow can be asked for one hash; for many it is quicker to look through all runs."""
    if hashes is None or len(hashes) > MANY:
        yield from _runs(uri, experiment)
        return
    for key in hashes:
        yield from _runs(uri, experiment, f" AND tags.config_hash = '{key}'")


def runs(uri: str, study: str, condition: str = "") -> Iterator[Run]:
    """MLflow's own view of a study's trials; ``condition`` in its words narrows it."""
    experiment = experiment_id(uri, study)
    if experiment is not None:
        yield from _runs(uri, experiment, condition)


def _runs(uri: str, experiment: str, condition: str = "") -> Iterator[Run]:
    token = None
    while True:
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
