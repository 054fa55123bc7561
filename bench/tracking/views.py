"""A study's charts in MLflow as they should be looked at first, kept in the study as saved views.

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
from bench.tracking.opening import opened, prepare
from bench.tracking.sqlite.read import TrialRun

TAG = "mlflow.sharedViewState."

SHOWN = 100
"""Runs that MLflow's page loads, and so the most groups that it can show; a tag has an end."""

NAME = "attributes.`Run Name`"
"""MLflow's own column of names."""

PLAIN = {
    **{"lineSmoothness": 0, "useGlobalLineSmoothing": True},
    **{"scaleType": "linear", "xAxisScaleType": "linear", "range": {}},
    **{"xAxisKey": "step", "selectedXAxisMetricKey": "", "useGlobalXaxisKey": True},
}
"""Of a line's card what would otherwise be undefined; without the first two it is smoothed."""

OLD_GROUPS = ("task", "optimizer", "schedule")
"""Tags that group trials which were recorded before there was the tag ``curve``."""

SETTINGS = {
    "tag:model": lambda config: config["model"]["name"],
    "param:batch_size": lambda config: config["batch_size"],
    "param:budget.steps": lambda config: config["budget"]["steps"],
    "param:precision": lambda config: config["precision"],
}
"""What else keeps trials of one task apart, where a study holds several."""


@dataclass(frozen=True)
class View:
    """One way to look at a study.

    Attributes:
        name: for people.
        path: what follows a server's address.
    """

    name: str
    path: str


def share(uri: str, study: str) -> list[View]:
    """Save a study's views, the one of all tasks first; of several tasks also one each."""
    experiment = prepare(uri, study)
    trials = opened(uri).trials(experiment)
    tasks = sorted({one.tags["task"] for one in trials})
    views = [_save(uri, experiment, "all curves", trials)]
    if len(tasks) > 1:
        for task in tasks:
            own = [one for one in trials if one.tags["task"] == task]
            views.append(_save(uri, experiment, task, own, task))
    return views


def _save(
    uri: str, experiment: str, name: str, trials: Sequence[TrialRun], task: str | None = None
) -> View:
    key = "optbench" if task is None else "optbench-" + re.sub(r"[^\w-]", "_", task)
    state = json.dumps(state_of(trials, task), separators=(",", ":"))
    # An equal view is the same view, whenever it was saved: a report twice gives the same store
    saved = json.dumps({"name": name, "createdAt": 0, "state": state})
    opened(uri).tag_study(experiment, {TAG + key: saved})
    asked = {
        "viewStateShareKey": key,
        "compareRunsMode": "CHART",
        "workflowType": "machine_learning",  # else the page of a language model's traces
    }
    return View(name, f"#/experiments/{experiment}/runs?{urlencode(asked)}")


def state_of(trials: Sequence[TrialRun], task: str | None = None) -> dict[str, Any]:
    """The state of MLflow's page: curves averaged over seeds, tuning trials left out.

    Args:
        trials: that the view is of.
        task: whose name is asked for; None for all.
    """
    configs = [json.loads(one.tags["config"]) for one in trials]
    targets = list(dict.fromkeys(one["task"]["target_metric"]["metric"] for one in configs))
    metrics = sorted({name for one in trials for name in one.latest})
    drawn = [f"val/{target}" for target in targets]
    drawn += [name for name in metrics if name.startswith("val/") and name not in drawn]
    drawn += ["train/loss"]
    columns = [f"{split}/{target}" for target in targets for split in ("test", "val")]
    curves = list(dict.fromkeys(one.tags.get("curve") for one in trials))[:SHOWN]
    return {
        "searchFilter": _condition(trials, task),
        "orderByKey": "tags.`seed`",  # of the runs that are loaded as many of each group
        "orderByAsc": True,
        "runsHiddenMode": "SHOW_ALL",
        "groupBy": {"aggregateFunction": "average", "groupByKeys": _groups(trials, configs)},
        "groupsExpanded": {f"tag.curve.{curve}": False for curve in curves},
        "useGroupedValuesInCharts": True,
        "selectedColumns": [*(f"metrics.`{name}`" for name in columns), "tags.`status`"],
        "columnOrder": [NAME],
        "columnWidths": {NAME: 330},  # a curve's whole name
        "isAccordionReordered": True,
        "compareRunSections": [_section("Curves")],
        "compareRunCharts": [
            *(_card(name, "LINE") for name in drawn),
            # A card that is deleted keeps the page from making one for the metric
            *(_card(name, "BAR", deleted=True) for name in metrics if name not in drawn),
        ],
    }


def _condition(trials: Iterable[TrialRun], task: str | None) -> str:
    asked = ["tags.kind = 'trial'"]  # the summary run would be a curve of its own
    if task is not None:
        asked.append(f"tags.task = '{task}'")
    if any(one.tags.get("phase") == Phase.SELECT for one in trials):
        asked.append("tags.phase != 'select'")
    return " AND ".join(asked)


def _groups(trials: Sequence[TrialRun], configs: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    whole = all("curve" in one.tags for one in trials)
    keys = [f"tag:{name}" for name in (("curve",) if whole else OLD_GROUPS)]
    for key, value in SETTINGS.items():
        by_task: dict[str, set[str]] = {}
        for config in configs:
            by_task.setdefault(config["task"]["name"], set()).add(str(value(config)))
        if any(len(values) > 1 for values in by_task.values()):
            keys.append(key)
    return [
        {"mode": mode, "groupByData": name} for mode, _, name in (k.partition(":") for k in keys)
    ]


def _section(name: str) -> dict[str, Any]:
    flags = {"display": True, "isReordered": True, "deleted": False, "isGenerated": False}
    return {"uuid": name, "name": name, **flags, "columns": 2, "cardHeight": 440}


def _card(metric: str, kind: str, *, deleted: bool = False) -> dict[str, Any]:
    return {
        **{"type": kind, "uuid": f"{kind} {metric}", "metricKey": metric},
        **{"metricSectionId": "Curves", "deleted": deleted, "isGenerated": False},
        **({"selectedMetricKeys": [metric], **PLAIN} if kind == "LINE" else {}),
    }
