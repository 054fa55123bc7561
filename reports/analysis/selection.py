"""The hyperparameter point that stands for an entrant: chosen on validation, never on test.

In a study the trials of phase ``select`` choose, by ``bench.spec.protocol``, once in each repeat.
In an explore sweep, of the points run on most seeds, those rank first all of whose trials finished;
of these the best mean of the final validation metric. So diverged and failed trials count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.spec import Phase, Status, protocol
from reports.data.ids import ARM

TUNING = [*ARM, "phase", "draw", "repeat"]
POINT = [*TUNING, "point_id"]
_RANK = ["_failed", "_generation", "_age"]
_TRIAL = [*ARM, "phase", "point_id", "seed"]
_SHOWN = ["comparison", "entrant", "phase", "draw", "repeat", "point"]
_STATUSES = [str(s) for s in (Status.FINISHED, Status.DIVERGED, Status.FAILED, Status.SKIPPED)]


def drop_reruns(trials: pd.DataFrame) -> pd.DataFrame:
    """Keep one row a point and seed: the latest result, a failure only without any other.

    There are several where a failed trial was run again, or code was changed and all run anew.
    """
    ends = zip(trials["status"], trials["generation"], trials["ended_at"], strict=True)
    ranks = [protocol.rank_record(*end) for end in ends]
    marked = trials.assign(**{name: [one[at] for one in ranks] for at, name in enumerate(_RANK)})
    order = ["comparison", "entrant", "phase", "point", "seed", *_RANK, "run_id"]
    best = marked.sort_values(order).drop_duplicates(_TRIAL)
    return best.drop(columns=_RANK).reset_index(drop=True)


def is_in_study(trials: pd.DataFrame) -> pd.Series:
    """Tell of each trial if its comparison has declared phases; trials that explore have none."""
    declared = trials["phase"] != Phase.EXPLORE
    return declared.groupby(trials["setting_id"]).transform("any")


def tabulate_points(trials: pd.DataFrame) -> pd.DataFrame:
    """List every point tried to find the reported one, best first within its entrant and repeat.

    Args:
        trials: as ``drop_reruns`` gives them.

    Returns:
        Columns: setting_id, entrant_id, phase, draw, repeat, point_id, index, seeds (run), n
        (finished), val_mean (over finished trials), the labels comparison, entrant and point,
        statuses,
        candidate (compared with the selected one on the same footing), selected.
    """
    tried = trials[(trials["phase"] == Phase.SELECT) | ~is_in_study(trials)].sort_values(_SHOWN)
    tried = tried.assign(value=final_values(tried, "val"), done=tried["status"] == Status.FINISHED)
    groups = tried.groupby(POINT, sort=False, dropna=False)
    table = groups.agg(
        index=("index", "min"),
        seeds=("seed", "size"),
        n=("done", "sum"),
        val_mean=("value", "mean"),
    )
    lists = groups[["value", "steps_to_target"]].agg(list)
    first = groups[["comparison", "entrant", "point", "direction", "rank", "optimizer"]].first()
    table = table.join(lists).join(first).join(_statuses(tried, POINT)).reset_index()
    if table.empty:
        return table.assign(candidate=[], selected=[])
    by_tuning = table.groupby(TUNING, sort=False, dropna=False)
    return pd.concat([_rank(group) for _, group in by_tuning], ignore_index=True)


def final_values(trials: pd.DataFrame, split: str) -> pd.Series:
    """Return each trial's final value of its target metric on ``split``; NaN unless finished."""
    metrics = trials["metric"].unique()
    if len(metrics) == 1 and f"{split}/{metrics[0]}" in trials:
        return trials[f"{split}/{metrics[0]}"]
    values = pd.Series(float("nan"), index=trials.index)
    for metric in metrics:
        if f"{split}/{metric}" in trials:
            values = values.mask(trials["metric"] == metric, trials[f"{split}/{metric}"])
    return values


def count_statuses(trials: pd.DataFrame) -> str:
    """Count trials by status: ``3 finished, 1 diverged``."""
    return _format_counts(trials["status"].value_counts().to_dict())


def preference_of(point: pd.Series) -> tuple[bool, float, float]:
    """Compute ``protocol.rank_point`` of one row of ``tabulate_points``."""
    steps = point["steps_to_target"] if point["rank"] == "steps_to_target" else ()
    values = [float(value) for value in point["value"]] or [math.nan]
    return protocol.rank_point(values, point["direction"], steps)


def _statuses(trials: pd.DataFrame, keys: list[str]) -> pd.Series:
    counts = trials.groupby([*keys, "status"], dropna=False).size().unstack(fill_value=0)
    texts = [_format_counts(row) for row in counts.to_dict("records")]
    return pd.Series(texts, index=counts.index, name="statuses", dtype=object)


def _format_counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{counts[s]} {s}" for s in _STATUSES if counts.get(s))


def _rank(group: pd.DataFrame) -> pd.DataFrame:
    """Sort the points of one tuning, best first."""
    first = group.iloc[0]
    if first["phase"] == Phase.SELECT:
        group = group.sort_values(["index", "point"], kind="stable")
        steps = group["steps_to_target"].tolist() if first["rank"] == "steps_to_target" else None
        values = group["value"].tolist()
        best = group.index[protocol.choose_point(values, first["direction"], steps)]
        trials = group["value"].map(len)
        candidate = trials == trials.max()
        behind = group.index != best
    else:
        candidate = group["seeds"] == group["seeds"].max()
        behind = ~candidate
    ranked = group.assign(
        candidate=candidate,
        _behind=behind,
        _broke=group["n"] < group["seeds"],
        _loss=group["val_mean"] * (-1 if first["direction"] == "maximize" else 1),
    ).sort_values(["_behind", "_broke", "_loss", "point"], na_position="last")
    ranked["selected"] = np.arange(len(ranked)) == 0
    return ranked.drop(columns=["_behind", "_broke", "_loss"])
