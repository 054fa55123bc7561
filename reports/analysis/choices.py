"""The setting to use: of all tunings' choices the one that did best on fresh validation seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from reports.analysis.arms import Arm, Kind
from reports.analysis.selection import final_values
from reports.data.labels import prefixed_columns


@dataclass(frozen=True)
class Choice:
    """The setting that stands for the tunings of one entrant on one task.

    Attributes:
        run_id: of a report trial with this setting.
        tunings: how many chose it.
        spread: of each hyperparameter that the choices differ in, its least and greatest value;
            all values where they are no numbers.
    """

    arm: Arm
    run_id: str
    tunings: int
    spread: dict[str, tuple[Any, ...]]


def summarize_choices(arms: Iterable[Arm]) -> list[Choice]:
    """Choose a setting for each tuned arm of a design with several tunings."""
    return [_choose(arm) for arm in arms if arm.kind is Kind.TUNED and arm.tunings > 1]


def _choose(arm: Arm) -> Choice:
    """Choose the setting with the best median rank; of equal ones that of more, then earlier ones.

    Ranks are those of the report trials on validation: their seeds chose nothing, so that no luck
    of a tuning speaks for its choice. A trial that did not finish has the worst rank.
    """
    trials = arm.trials
    values = final_values(trials, "val").to_numpy(dtype=float)
    rank = stats.rankdata(np.where(np.isnan(values), np.inf, -arm.sign * values))
    by_setting = trials.assign(rank=rank).groupby("point_id", sort=False)
    table = by_setting.agg(rank=("rank", "median"), n=("rank", "size"), first=("repeat", "min"))
    best = table.sort_values(["rank", "n", "first"], ascending=[True, False, True]).index[0]
    at_best = trials[trials["point_id"] == best]
    return Choice(arm, str(at_best["run_id"].iloc[0]), len(at_best), _measure_spread(trials))


def _measure_spread(trials: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    spread: dict[str, tuple[Any, ...]] = {}
    for column in prefixed_columns(trials, "hp."):
        values = trials[column].dropna().drop_duplicates().tolist()
        if len(values) < 2:
            continue
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        shown = (min(values), max(values)) if numeric else tuple(sorted(map(str, values)))
        spread[column.removeprefix("hp.")] = shown
    return spread
