"""Where every number of a page comes from: settings, configurations, points, hashes, failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.spec import Status, protocol
from reports.analysis.selection import count_statuses
from reports.analysis.study import Study
from reports.data.labels import prefixed_columns
from reports.text.numbers import listed, short


def provenance(study: Study) -> list[dict[str, Any]]:
    """Per comparison its shared setting, and per side its configuration and points tried."""
    hashes = _hashes(study)
    tried = {
        key: own.to_dict("records") for key, own in study.points.groupby(["comparison", "entrant"])
    }
    entries: dict[str, dict[str, Any]] = {}
    for side in study.arms:
        config = study.configs[side.trials["run_id"].iloc[0]]
        entry = entries.setdefault(
            side.comparison,
            {
                "comparison": side.comparison,
                "setting": _json(protocol.setting(config)),
                "sides": [],
            },
        )
        points = [] if side.tried == 0 else tried.get((side.comparison, side.entrant), [])
        space = max(side.trials["space_hash"]) if side.tried else ""
        entry["sides"].append(
            {
                "name": side.entrant,
                "kind": str(side.kind),
                "config": _json({key: config[key] for key in protocol.ENTRANT}),
                "points": [_point(point, side.comparison, hashes) for point in points]
                or [_only(side.point, side, hashes)],
                "space_hash": space,
                "space": _json(study.spaces.get(space, {})) if space else "",
            }
        )
    return list(entries.values())


def failures(study: Study) -> list[dict[str, Any]]:
    """Every trial that did not finish; seeds with the same outcome share an entry."""
    standing = set(study.attempts["run_id"])
    broken = study.trials[study.trials["status"] != Status.FINISHED]
    broken = broken.assign(rerun=~broken["run_id"].isin(standing))
    outcome = ["comparison", "entrant", "point", "status", "reason", "traceback", "rerun"]
    entries = broken.groupby(outcome)["seed"].agg(list).reset_index()
    return [{str(key): value for key, value in row.items()} for row in entries.to_dict("records")]


def environments(study: Study) -> list[dict[str, Any]]:
    """Versions and hardware, what differs first: each value with the trials that ran under it."""
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
    keys = [rows[name] for name in ("comparison", "entrant", "phase", "point")]
    return dict(texts.groupby(keys).agg(list).items())


def _point(
    row: Mapping[Any, Any], comparison: str, hashes: Mapping[Any, list[str]]
) -> dict[str, Any]:
    key = (comparison, row["entrant"], row["phase"], row["point"])
    return {
        "point": row["point"],
        "selected": row["selected"],
        "statuses": row["statuses"],
        "val": short(row["val_mean"]),
        "hashes": hashes[key],
    }


def _only(point: str, side: Any, hashes: Mapping[Any, list[str]]) -> dict[str, Any]:
    """A side without tuning: its one point."""
    key = (side.comparison, side.entrant, side.trials["phase"].iloc[0], point)
    value = side.values("val")["value"].mean()
    return {
        "point": point,
        "selected": False,
        "statuses": count_statuses(side.trials),
        "val": short(value),
        "hashes": hashes[key],
    }


def _json(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, default=str)
