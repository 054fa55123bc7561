"""Which hyperparameter point stands for an entrant: chosen on validation, never on test.

In a study the trials of phase ``select`` choose, by ``bench.spec.protocol``, once in each repeat. In an
explore sweep: among the points of an entrant on a task those run on most seeds, of these the ones
all of whose trials finished, of these the best mean of the final validation metric. Diverged and
failed trials are counted: a point that sometimes breaks stands behind every point that does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.spec import Phase, Status, protocol

ENTRANT = ["comparison", "entrant"]
POINT = [*ENTRANT, "phase", "repeat", "point"]
_TRIAL = [*ENTRANT, "phase", "point", "seed"]
_PREFERENCE = [str(s) for s in (Status.FINISHED, Status.DIVERGED, Status.FAILED, Status.SKIPPED)]


def attempts(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per point and seed: the latest answer stands, a failure only without any.

    There are several where a failed trial was run again, or code was changed and all run anew.
    """
    ends = zip(trials["status"], trials["ended_at"], strict=True)
    ranks = [protocol.rank_record(status, ended_at) for status, ended_at in ends]
    marked = trials.assign(_failed=[one[0] for one in ranks], _age=[one[1] for one in ranks])
    best = marked.sort_values([*_TRIAL, "_failed", "_age", "run_id"])
    return best.drop_duplicates(_TRIAL).drop(columns=["_failed", "_age"]).reset_index(drop=True)


def in_study(trials: pd.DataFrame) -> pd.Series:
    """Whether each trial's comparison has declared phases; trials that explore are not in it."""
    declared = trials["phase"] != Phase.EXPLORE
    return declared.groupby(trials["comparison"]).transform("any")


def points(trials: pd.DataFrame) -> pd.DataFrame:
    """Every point tried to find the reported one, best first within its entrant and repeat.

    Args:
        trials: as ``attempts`` gives them.

    Returns:
        Columns: comparison, entrant, phase, repeat, point, index, seeds (run), n (finished),
        statuses, val_mean (over finished trials), candidate (compared with the selected one on
        the same footing), selected.
    """
    tried = trials[(trials["phase"] == Phase.SELECT) | ~in_study(trials)]
    tried = tried.assign(value=final(tried, "val"), done=tried["status"] == Status.FINISHED)
    groups = tried.groupby(POINT, sort=True, dropna=False)
    table = groups.agg(
        index=("index", "min"),
        seeds=("seed", "size"),
        n=("done", "sum"),
        val_mean=("value", "mean"),
    )
    lists = groups[["value", "steps_to_target"]].agg(list)
    first = groups[["direction", "rank", "optimizer"]].first()
    table = table.join(lists).join(first).join(_statuses(tried, POINT)).reset_index()
    if table.empty:
        return table.assign(candidate=[], selected=[])
    by_tuning = table.groupby([*ENTRANT, "phase", "repeat"], sort=True, dropna=False)
    return pd.concat([_ranked(group) for _, group in by_tuning], ignore_index=True)


def final(trials: pd.DataFrame, split: str) -> pd.Series:
    """Each trial's final value of its task's target metric on ``split``; NaN unless finished."""
    metrics = trials["metric"].unique()
    if len(metrics) == 1 and f"{split}/{metrics[0]}" in trials:
        return trials[f"{split}/{metrics[0]}"]
    values = pd.Series(float("nan"), index=trials.index)
    for metric in metrics:
        if f"{split}/{metric}" in trials:
            values = values.mask(trials["metric"] == metric, trials[f"{split}/{metric}"])
    return values


def status_counts(trials: pd.DataFrame) -> str:
    """``3 finished, 1 diverged``."""
    return _counted(trials["status"].value_counts().to_dict())


def _statuses(trials: pd.DataFrame, keys: list[str]) -> pd.Series:
    counts = trials.groupby([*keys, "status"], dropna=False).size().unstack(fill_value=0)
    texts = [_counted(row) for row in counts.to_dict("records")]
    return pd.Series(texts, index=counts.index, name="statuses", dtype=object)


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{counts[s]} {s}" for s in _PREFERENCE if counts.get(s))


def _ranked(group: pd.DataFrame) -> pd.DataFrame:
    """The points of one tuning, best first."""
    first = group.iloc[0]
    if first["phase"] == Phase.SELECT:
        group = group.sort_values(["index", "point"], kind="stable")
        steps = group["steps_to_target"].tolist() if first["rank"] == "steps_to_target" else None
        values = group["value"].tolist()
        best = group.index[protocol.choose_point(values, first["direction"], steps)]
        candidate = pd.Series(True, index=group.index)
        front = group.index != best
    else:
        fullest = group["seeds"] == group["seeds"].max()
        candidate, front = fullest, ~fullest
    keys = group.assign(
        candidate=candidate,
        _front=front,
        _broke=group["n"] < group["seeds"],
        _loss=group["val_mean"] * (-1 if first["direction"] == "maximize" else 1),
    ).sort_values(["_front", "_broke", "_loss", "point"], na_position="last")
    keys["selected"] = np.arange(len(keys)) == 0
    return keys.drop(columns=["_front", "_broke", "_loss"])


def preference(point: pd.Series) -> tuple[bool, float, float]:
    """``protocol.rank_point`` of one row of ``points``."""
    steps = point["steps_to_target"] if point["rank"] == "steps_to_target" else ()
    values = [float(value) for value in point["value"]] or [math.nan]
    return protocol.rank_point(values, point["direction"], steps)
