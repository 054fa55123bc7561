"""Sentences under one leaderboard: unequal conditions, then the marks that occur in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench.spec.looks import format_rate, spend
from reports.analysis.arms import Kind
from reports.analysis.caveats import Caveat, list_unmeasured
from reports.analysis.difference import compare
from reports.analysis.rows import LeaderboardRow
from reports.analysis.verdict import is_significant
from reports.data.labels import prefixed_columns

Rows = Sequence[LeaderboardRow]


def write_notes(trials: pd.DataFrame, rows: Rows, reference: str, tests: int) -> list[str]:
    """Write what has to be said of one setting.

    Args:
        trials: all of it.
        reference: the optimizer that the others are compared with; empty: there is none.
        tests: the number of tests of the whole report.
    """
    metric = trials["metric"].iloc[0]
    notes = []
    if not reference:
        notes.append(
            "There is no reference, so the verdicts are those of the pairs. Choose one with "
            "reference=NAME."
        )
    elif not any(row.arm.optimizer == reference for row in rows):
        notes.append(
            f"{reference} did not run here, so nothing is compared with it. Add "
            f"optimizer={reference}, or choose another reference with reference=NAME."
        )
    notes += [
        f"No finished trial measured {split}/{metric}."
        for split in list_unmeasured(pd.concat([row.arm.trials for row in rows]))
    ]
    notes += _several_references(rows, reference)
    notes += [*_better_defaults(rows, metric), *_unequal_tuning(rows), *_mixed_environment(trials)]
    notes += _level_of_intervals(rows, tests)
    present = {caveat for row in rows for caveat in row.caveats}
    return notes + [f"{caveat}: {caveat.meaning}" for caveat in Caveat if caveat in present]


def _better_defaults(rows: Rows, metric: str) -> list[str]:
    """Name optimizers whose default ends ahead of their tuned setting, with the interval.

    It is a note outside of Holm's correction: nobody's claim rests on it, but whoever reads the
    tuned row has to know.
    """
    defaults = {row.arm.entrant_id: row.arm for row in rows if row.arm.kind is Kind.DEFAULT}
    notes = []
    for row in rows:
        default = defaults.get(row.arm.entrant_id)
        if row.arm.kind is not Kind.TUNED or default is None:
            continue
        difference = compare(default, row.arm)
        if difference.is_measured and difference.gain > 0 and is_significant(difference.p):
            ahead = difference.estimate_shift()
            low, by, high = (
                f"{value:+.3g}".replace("-", "−")
                for value in (ahead.low, ahead.estimate, ahead.high)
            )
            notes.append(
                f"The default of {row.arm.entrant} is better than its tuned setting here: {by} "
                f"test/{metric} (95 % interval {low} to {high}, without Holm's correction)."
            )
    return notes


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
        f"Unequal tuning: between {min(tried)} and {max(tried)} settings were tried; more settings "
        "find better ones."
    ]


def _level_of_intervals(rows: Rows, tests: int) -> list[str]:
    """Say at which level the intervals beside the verdicts are."""
    judged = [row for row in rows if not math.isnan(row.p_holm)]
    if not judged:
        return []
    return [
        f"Intervals beside a verdict are at the level at which the row was judged (Holm's "
        f"correction for all {tests} tests of the report, at {format_rate(spend(0))} for the first "
        "look), so that they agree with it; the others are 95 % intervals.",
        *_say_looks(judged),
    ]


def _say_looks(judged: Rows) -> list[str]:
    """Say what a study that was enlarged has spent; nothing for one look."""
    last = max(judged, key=lambda row: row.looks)
    if last.looks < 2:
        return []
    rates = ", ".join(format_rate(spend(look)) for look in range(last.looks))
    early = [f"{row.arm.entrant} ({row.arm.kind})" for row in judged if row.look < row.looks]
    stands = (
        f" Shown at an earlier look, which stands with its p and intervals: {', '.join(early)}."
        if early
        else ""
    )
    return [
        f"The study was enlarged: its {last.looks} looks spend {rates} of the error rate of 5 %."
        f"{stands}"
    ]


def _mixed_environment(trials: pd.DataFrame) -> list[str]:
    """Name hardware and versions that vary inside one table: timings lose their meaning."""
    notes = []
    for column in prefixed_columns(trials, "env."):
        values = sorted({str(value) for value in trials[column].dropna().unique()})
        if len(values) > 1:
            shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
            notes.append(
                f"Mixed {column.removeprefix('env.')} ({shown}): timings are not comparable "
                "between rows, last digits may differ."
            )
    return notes
