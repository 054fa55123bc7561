"""Saved views of a study in MLflow: its charts as they should be looked at first.

MLflow's own first view draws ten runs, each metric a chart. A saved view (MLflow 3.17: the tag
``mlflow.sharedViewState.KEY`` of an experiment, listed at the top of its runs) says which runs,
which columns, which charts and how they are grouped; the parameter ``viewStateShareKey`` of an
address opens it. Its state is that of MLflow's page, see ``ExperimentPageUIState.tsx`` and
``runs-charts.types.ts`` there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench.spec import Phase
from bench.tracking.faults import split_readable
from bench.tracking.opening import open_store, prepare
from bench.tracking.store import TrialRun

TAG = "mlflow.sharedViewState."

MOST_GROUPS = 100
"""Runs that MLflow's page loads, and so the most groups that it can show; a tag has an end."""

NAME = "attributes.`Run Name`"
"""MLflow's own column of names."""

LINE_DEFAULTS = {
    **{"lineSmoothness": 0, "useGlobalLineSmoothing": True},
    **{"scaleType": "linear", "xAxisScaleType": "linear", "range": {}},
    **{"xAxisKey": "step", "selectedXAxisMetricKey": "", "useGlobalXaxisKey": True},
}
"""Fields of a line's card that must be defined; without the first two the line is smoothed."""

OLD_GROUPS = ("task", "optimizer", "schedule")
"""Tags that group trials which were recorded before there was the tag ``curve``."""

SETTINGS = {
    "tag:model": lambda config: config["model"]["name"],
    "param:batch_size": lambda config: config["batch_size"],
    "param:budget.steps": lambda config: config["budget"]["steps"],
    "param:precision": lambda config: config["precision"],
}
"""Settings that also keep trials of one task apart, where a study holds several."""


@dataclass(frozen=True)
class View:
    """One way to look at a study.

    Attributes:
        name: for people.
        path: what follows a server's address.
    """

    name: str
    path: str


def save_views(uri: str, study: str) -> list[View]:
    """Save the view of all tasks and, of several tasks, one of each; return them in this order."""
    experiment = prepare(uri, study)
    trials, _ = split_readable(open_store(uri).read_trials(experiment))
    configs = {one.run_id: json.loads(one.tags["config"]) for one in trials}
    task_of = {run_id: str(config["task"]["name"]) for run_id, config in configs.items()}
    tasks = sorted(set(task_of.values()))
    views = [_save(uri, experiment, "all curves", trials)]
    if len(tasks) > 1:
        for task in tasks:
            of_task = [one for one in trials if task_of[one.run_id] == task]
            views.append(_save(uri, experiment, task, of_task, task))
    return views


def _save(
    uri: str, experiment: str, name: str, trials: Sequence[TrialRun], task: str | None = None
) -> View:
    key = "optbench" if task is None else "optbench-" + re.sub(r"[^\w-]", "_", task)
    state = json.dumps(make_state(trials, task), separators=(",", ":"))
    # An equal view is the same view, whenever it was saved: a report twice gives the same store
    saved = json.dumps({"name": name, "createdAt": 0, "state": state})
    open_store(uri).tag_study(experiment, {TAG + key: saved})
    parameters = {
        "viewStateShareKey": key,
        "compareRunsMode": "CHART",
        "workflowType": "machine_learning",  # else the page of a language model's traces
    }
    return View(name, f"#/experiments/{experiment}/runs?{urlencode(parameters)}")


def make_state(trials: Sequence[TrialRun], task: str | None = None) -> dict[str, Any]:
    """Make the state of MLflow's page: curves averaged over seeds, tuning trials left out.

    Args:
        trials: that the view is of.
        task: only trials of this one are shown; None for all.
    """
    configs = [json.loads(one.tags["config"]) for one in trials]
    targets = list(dict.fromkeys(one["task"]["target_metric"]["metric"] for one in configs))
    metrics = sorted({name for one in trials for name in one.latest})
    charts = [f"val/{target}" for target in targets]
    charts += [name for name in metrics if name.startswith("val/") and name not in charts]
    charts += ["train/loss"]
    columns = [f"{split}/{target}" for target in targets for split in ("test", "val")]
    curves = list(dict.fromkeys(one.tags.get("curve") for one in trials))[:MOST_GROUPS]
    return {
        "searchFilter": _make_filter(trials, task),
        "orderByKey": "tags.`seed`",  # of the runs that are loaded as many of each group
        "orderByAsc": True,
        "runsHiddenMode": "SHOW_ALL",
        "groupBy": {"aggregateFunction": "average", "groupByKeys": _make_groups(trials, configs)},
        "groupsExpanded": {f"tag.curve.{curve}": False for curve in curves},
        "useGroupedValuesInCharts": True,
        "selectedColumns": [*(f"metrics.`{name}`" for name in columns), "tags.`status`"],
        "columnOrder": [NAME],
        "columnWidths": {NAME: 330},  # a curve's whole name
        "isAccordionReordered": True,
        "compareRunSections": [_make_section("Curves")],
        "compareRunCharts": [
            *(_make_card(name, "LINE") for name in charts),
            # A card that is deleted keeps the page from making one for the metric
            *(_make_card(name, "BAR", deleted=True) for name in metrics if name not in charts),
        ],
    }


def _make_filter(trials: Iterable[TrialRun], task: str | None) -> str:
    conditions = ["tags.kind = 'trial'"]  # the summary run would be a curve of its own
    if task is not None:
        conditions.append(f"tags.task = '{task}'")
    if any(one.tags.get("phase") == Phase.SELECT for one in trials):
        conditions.append("tags.phase != 'select'")
    return " AND ".join(conditions)


def _make_groups(
    trials: Sequence[TrialRun], configs: Sequence[dict[str, Any]]
) -> list[dict[str, str]]:
    have_curves = all("curve" in one.tags for one in trials)
    keys = [f"tag:{name}" for name in (("curve",) if have_curves else OLD_GROUPS)]
    for key, value in SETTINGS.items():
        by_task: dict[str, set[str]] = {}
        for config in configs:
            by_task.setdefault(config["task"]["name"], set()).add(str(value(config)))
        if any(len(values) > 1 for values in by_task.values()):
            keys.append(key)
    return [
        {"mode": mode, "groupByData": name} for mode, _, name in (k.partition(":") for k in keys)
    ]


def _make_section(name: str) -> dict[str, Any]:
    flags = {"display": True, "isReordered": True, "deleted": False, "isGenerated": False}
    return {"uuid": name, "name": name, **flags, "columns": 2, "cardHeight": 440}


def _make_card(metric: str, kind: str, *, deleted: bool = False) -> dict[str, Any]:
    return {
        **{"type": kind, "uuid": f"{kind} {metric}", "metricKey": metric},
        **{"metricSectionId": "Curves", "deleted": deleted, "isGenerated": False},
        **({"selectedMetricKeys": [metric], **LINE_DEFAULTS} if kind == "LINE" else {}),
    }
