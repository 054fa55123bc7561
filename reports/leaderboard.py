"""Leaderboards: per comparison one row per optimizer, at its selected point, against Adam.

Rows are ordered by the mean *validation* metric, optimizers with unfinished seeds last; test values
are reported, never used to choose or to order. A verdict needs the paired difference to Adam on
test to survive Holm's adjustment over the optimizers of the table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.spec import Status
from reports import stats
from reports.notes import marks, notes
from reports.selection import final, points, selected, status_counts

REFERENCE = "adam"
BETTER, WORSE, UNCLEAR = "better", "worse", "no difference shown"
BETTER_IF_FINISHED, UNTESTED = "better where it finished", "n/a"


@dataclass(frozen=True)
class Leaderboard:
    """One table.

    Attributes:
        comparison: a task, and its settings where the study has several.
        metric, direction, target: what is measured; ``target`` is NaN without one.
        rows: one per optimizer, best validation mean first. Columns: optimizer, point,
            points_tried, seeds, n (finished), statuses, val_mean, test_mean with test_low and
            test_high, test_iqm likewise, diff_mean (to Adam, paired by seed) likewise with diff_n
            and p_holm, verdict, reached, ran (trials that count for the target),
            steps_to_target, train_time_to_target_s, step_time_ms (medians), marks.
        notes: sentences that belong under the table.
    """

    comparison: str
    metric: str
    direction: str
    target: float
    rows: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def has_reference(self) -> bool:
        return REFERENCE in set(self.rows["optimizer"])


def leaderboards(trials: pd.DataFrame) -> list[Leaderboard]:
    """One leaderboard per comparison, in alphabetical order."""
    tried, reported = points(trials), selected(trials)
    return [
        _leaderboard(
            trials[trials["comparison"] == comparison],
            tried[tried["comparison"] == comparison],
            group,
        )
        for comparison, group in reported.groupby("comparison", sort=True)
    ]


def entrants(boards: Sequence[Leaderboard]) -> list[str]:
    """All optimizers of a report in one order: Adam, then by mean position in leaderboards."""
    positions = pd.concat([b.rows["optimizer"].reset_index(drop=True) for b in boards])
    mean_position = positions.index.to_series().groupby(positions.to_numpy()).mean()
    return sorted(
        mean_position.index, key=lambda name: (name != REFERENCE, mean_position[name], name)
    )


def _leaderboard(trials: pd.DataFrame, tried: pd.DataFrame, reported: pd.DataFrame) -> Leaderboard:
    first = reported.iloc[0]
    reference = reported[reported["optimizer"] == REFERENCE]
    rows = pd.DataFrame(
        [_row(group, reference) for _, group in reported.groupby("optimizer", sort=True)]
    )
    rows["p_holm"] = stats.holm(rows["p_holm"].tolist())
    rows["verdict"] = [_verdict(row, first["direction"]) for row in rows.to_dict("records")]
    rows["points_tried"] = rows["optimizer"].map(tried.groupby("optimizer").size())
    rows["marks"] = rows["optimizer"].map(
        {name: marks(trials, tried, name) for name in rows["optimizer"]}
    )
    rows = _ordered(rows, first["direction"])
    return Leaderboard(
        comparison=first["comparison"],
        metric=first["metric"],
        direction=first["direction"],
        target=float(first["target"]),
        rows=rows,
        notes=tuple(notes(trials, rows)),
    )


def _row(group: pd.DataFrame, reference: pd.DataFrame) -> dict[str, object]:
    first = group.iloc[0]
    test = final(group, "test")
    mean, iqm = stats.mean(test.dropna()), stats.iqm(test.dropna())
    difference = stats.paired_difference(_by_seed(group), _by_seed(reference))
    if first["optimizer"] == REFERENCE:
        difference = stats.Paired(stats.mean([]), math.nan)
    steps, reached, ran = stats.median_to_target(group["steps_to_target"])
    return {
        "optimizer": first["optimizer"],
        "point": first["point"],
        "seeds": len(group),
        "n": int((group["status"] == Status.FINISHED).sum()),
        "statuses": status_counts(group),
        "val_mean": stats.mean(final(group, "val").dropna()).estimate,
        **_interval("test", mean),
        **_interval("test_iqm", iqm),
        **_interval("diff", difference.interval),
        "diff_n": difference.interval.n,
        "p_holm": difference.p,
        "reached": reached,
        "ran": ran,
        "steps_to_target": steps,
        "train_time_to_target_s": stats.median_to_target(group["train_time_to_target_s"])[0],
        "step_time_ms": group.loc[group["stack_size"].isna(), "step_time_ms"].median(),
    }


def _interval(name: str, interval: stats.Interval) -> dict[str, float]:
    estimate = name if name.endswith("iqm") else f"{name}_mean"
    return {estimate: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _by_seed(trials: pd.DataFrame) -> pd.Series:
    return final(trials, "test").set_axis(pd.Index(trials["seed"], name="seed"))


def _verdict(row: Mapping[Any, Any], direction: str) -> str:
    """In words; both the 95 % interval and Holm's p at 5 % have to separate it from Adam."""
    if row["optimizer"] == REFERENCE:
        return "reference"
    if row["diff_n"] < 2:
        return UNTESTED
    if math.isnan(row["p_holm"]) or row["p_holm"] > 1 - stats.CONFIDENCE:
        return UNCLEAR
    gain = row["diff_mean"] if direction == "maximize" else -row["diff_mean"]
    if gain < 0:
        return WORSE
    return BETTER if row["n"] == row["seeds"] else BETTER_IF_FINISHED


def _ordered(rows: pd.DataFrame, direction: str) -> pd.DataFrame:
    """Complete rows first, then the validation mean, best first."""
    keys = rows.assign(
        _incomplete=rows["n"] < rows["seeds"],
        _loss=rows["val_mean"] * (-1 if direction == "maximize" else 1),
    )
    columns = ["_incomplete", "_loss", "optimizer"]
    ordered = keys.sort_values(columns, na_position="last", ignore_index=True)
    return ordered.drop(columns=["_incomplete", "_loss"])
