"""Sentences under one leaderboard: unequal conditions, then the marks that occur in it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reports.analysis.arms import Arm, Kind
from reports.analysis.caveats import Caveat, unmeasured
from reports.analysis.verdict import Claim
from reports.data.labels import prefixed_columns
from reports.stats.intervals import CONFIDENCE


def notes(trials: pd.DataFrame, sides: Sequence[Arm], rows: pd.DataFrame, name: str) -> list[str]:
    """What has to be said of one comparison.

    Args:
        trials: all of it.
        name: of the optimizer that the others are compared with.
    """
    said = []
    if not (rows["optimizer"] == name).any():
        said.append(
            f"{name} did not run here, so there is no difference to it: add optimizer={name}."
        )
    said += [
        f"no finished trial measured {split}/{trials['metric'].iloc[0]}."
        for split in unmeasured(pd.concat([side.trials for side in sides]))
    ]
    said += _several_references(rows, name)
    said += [*_unequal_tuning(rows), *_selection(sides), *_mixed_environment(trials)]
    said += [*_stricter_than_intervals(rows), *_floor(rows)]
    present = {mark for marks in rows["marks"] for mark in marks}
    return said + [f"{mark}: {mark.meaning}" for mark in Caveat if mark in present]


def _several_references(rows: pd.DataFrame, name: str) -> list[str]:
    entrants = sorted(set(rows.loc[rows["optimizer"] == name, "entrant"]))
    if len(entrants) < 2:
        return []
    return [
        f"{', '.join(entrants)} all run {name}; the one that is best on validation is the "
        "reference: nobody is compared with a weaker one."
    ]


def _unequal_tuning(rows: pd.DataFrame) -> list[str]:
    tried = rows.loc[rows["row"] != Kind.DEFAULT, "points_tried"]
    if tried.nunique() < 2:
        return []
    least, most = int(tried.min()), int(tried.max())
    return [
        f"unequal tuning: between {least} and {most} points were tried; more points find better "
        "ones."
    ]


def _selection(sides: Sequence[Arm]) -> list[str]:
    tuned = [side for side in sides if side.kind is Kind.TUNED]
    if not tuned:
        return []
    said = []
    if any(side.luck for side in tuned):
        metric = tuned[0].trials["metric"].iloc[0]
        said.append(
            "intervals with selection add the luck of one tuning: the spread of its three best "
            f"points, any of which chance may have chosen, on val/{metric}, as tuning never sees "
            "test; tuning.repeats measures it."
        )
    if any(side.repeats > 1 for side in tuned):
        said.append(
            "tuned rows pool repeated tunings; intervals with selection hold the variance "
            "between them, the point shown is that of the first."
        )
    return said


def _stricter_than_intervals(rows: pd.DataFrame) -> list[str]:
    """Where a verdict and its row's own interval seem to disagree, why."""
    apart = (rows["diff_low"] > 0) | (rows["diff_high"] < 0)
    unclear = rows["verdict"].map(lambda verdict: verdict.claim is Claim.UNCLEAR)
    if not (apart & unclear).any():
        return []
    tests = int(rows.attrs["comparisons"])
    return [
        f"intervals hold for one row each; verdicts allow for all {tests} tests of the report, "
        "those of other tables and of pairs of entrants too (Holm), and for the luck of "
        "selection, so an interval without zero may still show no difference."
    ]


def _floor(rows: pd.DataFrame) -> list[str]:
    """Where trials broke off the exact test may be too coarse to pass Holm's adjustment."""
    tests = int(rows.attrs["comparisons"])
    coarse = rows["p"].notna() & (rows["statuses"].str.contains(r"diverged|failed"))
    least = 2.0 ** (1 - rows.loc[coarse, "pairs"])
    if not (least * tests > 1 - CONFIDENCE).any():
        return []
    return [
        f"where trials broke off, the exact test of {int(rows.loc[coarse, 'pairs'].max())} pairs "
        f"cannot fall below {least.min():.2g}, too much for {tests} tests after Holm: more "
        "reporting.seeds could decide."
    ]


def _mixed_environment(trials: pd.DataFrame) -> list[str]:
    """Hardware and versions that vary inside one table: timings lose their meaning."""
    said = []
    for column in prefixed_columns(trials, "env."):
        values = sorted({str(value) for value in trials[column].dropna().unique()})
        if len(values) > 1:
            shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
            said.append(
                f"mixed {column.removeprefix('env.')} ({shown}): timings are not comparable "
                "between rows, last digits may differ."
            )
    return said
