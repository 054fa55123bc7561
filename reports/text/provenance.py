"""Where every number of a page comes from: settings, configurations, points, hashes, failures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.spec import Status, protocol
from reports.analysis.arms import Arm
from reports.analysis.selection import count_statuses
from reports.analysis.study import Study
from reports.data.ids import ARM, IDS
from reports.data.labels import prefixed_columns
from reports.text.numbers import listed, short


def list_provenance(study: Study) -> list[dict[str, Any]]:
    """List per comparison its shared setting, and per arm its configuration and points tried."""
    hashes = _hashes(study)
    tried = {key: own.to_dict("records") for key, own in study.points.groupby(ARM)}
    entries: dict[str, dict[str, Any]] = {}
    for arm in study.arms:
        config = study.configs[arm.trials["run_id"].iloc[0]]
        entry = entries.setdefault(
            arm.setting_id,
            {
                "comparison": arm.comparison,
                "setting": _json(protocol.setting(config)),
                "arms": [],
            },
        )
        points = [] if arm.tried == 0 else tried.get((arm.setting_id, arm.entrant_id), [])
        space = max(arm.trials["space_hash"]) if arm.tried else ""
        entry["arms"].append(
            {
                "name": arm.entrant,
                "kind": str(arm.kind),
                "config": _json({key: config[key] for key in protocol.ENTRANT}),
                "points": [_point(point, hashes) for point in points] or [_only_point(arm, hashes)],
                "space_hash": space,
                "space": _json(study.spaces.get(space, {})) if space else "",
            }
        )
    return list(entries.values())


def list_failures(study: Study) -> list[dict[str, Any]]:
    """List every trial that did not finish; seeds with the same outcome share an entry."""
    standing = set(study.attempts["run_id"])
    broken = study.trials[study.trials["status"] != Status.FINISHED]
    broken = broken.assign(rerun=~broken["run_id"].isin(standing))
    outcome = ["comparison", "entrant", "point", *IDS, "status", "reason", "traceback", "rerun"]
    entries = broken.groupby(outcome)["seed"].agg(list).reset_index()
    return [{str(key): value for key, value in row.items()} for row in entries.to_dict("records")]


def list_environments(study: Study) -> list[dict[str, Any]]:
    """List versions and hardware, what differs first: each value with its trials."""
    trials = study.trials
    entries = []
    for column in prefixed_columns(trials, "env."):
        known = trials.dropna(subset=[column])
        groups = list(known.groupby(known[column].astype(str), sort=True))
        entries += [
            {
                "name": column.removeprefix("env."),
                "value": value,
                "differs": len(groups) > 1,
                "trials": _where(group, len(trials)),
            }
            for value, group in groups
        ]
    return sorted(entries, key=lambda entry: not entry["differs"])


def _where(trials: pd.DataFrame, of: int) -> str:
    """``all 50``, or ``24: sgd on digits, …``: whose numbers a difference touches."""
    if len(trials) == of:
        return f"all {of}"
    places = sorted(set(trials["entrant"] + " on " + trials["comparison"]))
    return f"{len(trials)} of {of}: {listed(places, 4)}"


def _hashes(study: Study) -> dict[Any, list[str]]:
    rows = study.attempts
    texts = "seed " + rows["seed"].astype(str) + ": " + rows["config_hash"]
    keys = [rows[name] for name in (*ARM, "phase", "point_id")]
    return dict(texts.groupby(keys).agg(list).items())


def _point(row: Mapping[Any, Any], hashes: Mapping[Any, list[str]]) -> dict[str, Any]:
    return {
        "point": row["point"],
        "selected": row["selected"],
        "statuses": row["statuses"],
        "val": short(row["val_mean"]),
        "hashes": hashes[row["setting_id"], row["entrant_id"], row["phase"], row["point_id"]],
    }


def _only_point(arm: Arm, hashes: Mapping[Any, list[str]]) -> dict[str, Any]:
    """Describe the one point of an arm without tuning."""
    finished = arm.val[np.isfinite(arm.val)]
    return {
        "point": arm.point,
        "selected": False,
        "statuses": count_statuses(arm.trials),
        "val": short(float(finished.mean()) if len(finished) else math.nan),
        "hashes": hashes[arm.setting_id, arm.entrant_id, arm.trials["phase"].iloc[0], arm.point_id],
    }


def _json(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, default=str)
