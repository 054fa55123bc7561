"""Sentences under one leaderboard: unequal conditions, then the marks that occur in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench.spec import Status
from reports.analysis.arms import Kind
from reports.analysis.caveats import Caveat, list_unmeasured
from reports.analysis.rows import LeaderboardRow
from reports.analysis.verdict import Claim
from reports.data.labels import prefixed_columns
from reports.stats.intervals import CONFIDENCE

Rows = Sequence[LeaderboardRow]


def write_notes(trials: pd.DataFrame, rows: Rows, reference: str, tests: int) -> list[str]:
    """Write what has to be said of one setting.

    Args:
        trials: all of it.
        reference: the optimizer that the others are compared with.
        tests: the number of tests of the whole report.
    """
    metric = trials["metric"].iloc[0]
    notes = []
    if not any(row.arm.optimizer == reference for row in rows):
        notes.append(
            f"{reference} did not run here, so there is no difference to it: "
            f"add optimizer={reference}."
        )
    notes += [
        f"no finished trial measured {split}/{metric}."
        for split in list_unmeasured(pd.concat([row.arm.trials for row in rows]))
    ]
    notes += _several_references(rows, reference)
    notes += [*_unequal_tuning(rows), *_tuning(rows, metric), *_mixed_environment(trials)]
    notes += [*_stricter_than_intervals(rows, tests), *_coarse_tests(rows, tests)]
    present = {caveat for row in rows for caveat in row.caveats}
    return notes + [f"{caveat}: {caveat.meaning}" for caveat in Caveat if caveat in present]


def _several_references(rows: Rows, reference: str) -> list[str]:
    entrants = sorted({row.arm.entrant for row in rows if row.arm.optimizer == reference})
    if len(entrants) < 2:
        return []
    return [
        f"{', '.join(entrants)} all run {reference}; the one that is best on validation is the "
        "reference: nobody is compared with a weaker one."
    ]


def _unequal_tuning(rows: Rows) -> list[str]:
    tried = {row.arm.tried for row in rows if row.arm.kind is not Kind.DEFAULT}
    if len(tried) < 2:
        return []
    return [
        f"unequal tuning: between {min(tried)} and {max(tried)} points were tried; more points "
        "find better ones."
    ]


def _tuning(rows: Rows, metric: str) -> list[str]:
    tuned = [row.arm for row in rows if row.arm.kind is Kind.TUNED]
    notes = []
    if any(arm.tuning_variance for arm in tuned):
        notes.append(
            "intervals with selection add the luck of one tuning: the spread of its three best "
            f"points, any of which chance may have chosen, on val/{metric}, as tuning never sees "
            "test; tuning.repeats measures it."
        )
    if any(arm.repeats > 1 for arm in tuned):
        notes.append(
            "tuned rows pool repeated tunings; intervals with selection hold the variance "
            "between them, the point shown is that of the first."
        )
    return notes


def _stricter_than_intervals(rows: Rows, tests: int) -> list[str]:
    """Explain a verdict that its row's own interval seems to contradict."""
    unclear = [row.difference.seeds for row in rows if row.verdict.claim is Claim.UNCLEAR]
    if not any(interval.low > 0 or interval.high < 0 for interval in unclear):
        return []
    return [
        f"intervals hold for one row each; verdicts allow for all {tests} tests of the report, "
        "those of other tables and of pairs of entrants too (Holm), and for the luck of "
        "selection, so an interval without zero may still show no difference."
    ]


def _coarse_tests(rows: Rows, tests: int) -> list[str]:
    """Where trials broke off the exact test may be too coarse to pass Holm's adjustment."""
    pairs = [
        row.difference.pairs
        for row in rows
        if not math.isnan(row.difference.p)
        and row.arm.trials["status"].isin([Status.DIVERGED, Status.FAILED]).any()
    ]
    if not pairs or not 2.0 ** (1 - min(pairs)) * tests > 1 - CONFIDENCE:
        return []
    return [
        f"where trials broke off, the exact test of {max(pairs)} pairs cannot fall below "
        f"{2.0 ** (1 - max(pairs)):.2g}, too much for {tests} tests after Holm: more "
        "reporting.seeds could decide."
    ]


def _mixed_environment(trials: pd.DataFrame) -> list[str]:
    """Name hardware and versions that vary inside one table: timings lose their meaning."""
    notes = []
    for column in prefixed_columns(trials, "env."):
        values = sorted({str(value) for value in trials[column].dropna().unique()})
        if len(values) > 1:
            shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
            notes.append(
                f"mixed {column.removeprefix('env.')} ({shown}): timings are not comparable "
                "between rows, last digits may differ."
            )
    return notes
