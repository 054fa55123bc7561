"""Scores over all tasks against the reference: final value, speed, probability of improvement."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from reports.analysis.study import Study
from reports.figures import style
from reports.figures.forest import draw_forest
from reports.figures.panel import Panel
from reports.stats.intervals import CONFIDENCE
from reports.text.effects import format_level, is_adjusted

TITLE = "Scores over all tasks"
CAPTION = (
    "Against the reference: log2 ratios of remaining loss and of steps to target (+1: half), and "
    "how often a result is better. Bars: 95 % bootstrap, or the verdict's level."
)
EMPTY = "No optimizer was compared with the reference, so there is no score over tasks."
SCORES = {
    "value": ("Final value", "log2 of remaining losses", 0.0),
    "speed": ("Speed", "log2 of steps to target", 0.0),
    "improvement": ("Probability of improvement", "probability", 0.5),
}
ENDS = {"": "value", "_low": "low", "_high": "high", "_level": "level", "_tasks": "n"}


def tabulate(study: Study) -> pd.DataFrame:
    """List one row per score and entrant, in the order of ``Study.overall``.

    Columns: score, entrant, is_reference, value, low, high, level (of this interval), n (tasks
    behind it), of (all tasks), complete.
    """
    rows = study.overall.assign(
        is_reference=study.overall["reference"] > 0,
        value_level=CONFIDENCE,
        speed_level=CONFIDENCE,
        improvement_level=study.overall["level"],
        improvement_tasks=study.overall["tested_tasks"],
    )
    parts = []
    for score in SCORES:
        columns = {f"{score}{end}": name for end, name in ENDS.items()}
        part = rows[["entrant", "is_reference", *columns, "of", "complete"]].rename(columns=columns)
        parts.append(part.assign(score=score))
    return pd.concat(parts, ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per score; entrants without a finite one are named below it."""
    if not table["value"].notna().any() or table["entrant"].nunique() < 2:
        return []
    panels = []
    for score, (title, axis, baseline) in SCORES.items():
        here = table[table["score"] == score]
        drawn = here[np.isfinite(here["value"])]
        note = _explain_missing(here)
        if drawn["is_reference"].all():
            panels.append(Panel(title, None, note or "No task has a target value."))
            continue
        shown = drawn[["entrant", "value", "low", "high", "n", "of"]].assign(
            level=[format_level(level) for level in drawn["level"]]
        )
        scale = _scale_around(shown, baseline)
        details = {"level_of_interval": "level:N", "tasks": "n:Q", "of": "of:Q"}
        chart = draw_forest(shown, colours, axis, baseline=baseline, scale=scale, **details)
        panels.append(Panel(title, chart, " ".join(filter(None, [note, _name_level(drawn)]))))
    return panels


def _scale_around(rows: pd.DataFrame, baseline: float) -> alt.Scale:
    """Show all scores, and their intervals up to three times as far as the farthest score."""
    off = (rows["value"] - baseline).abs().max()
    reach = max(3 * off, 0.5)
    ends = pd.concat([rows["value"], rows["low"], rows["high"]])
    shown = ends.clip(baseline - reach, baseline + reach)
    if shown.min() == shown.max():  # equal, and nothing known of their spread
        shown = pd.Series([baseline - reach, baseline + reach])
    return alt.Scale(domain=style.round_domain(shown.min(), shown.max()), nice=False, padding=8)


def _explain_missing(rows: pd.DataFrame) -> str:
    """Say why entrants have no finite score."""
    reasons = {
        "More of its trials did not finish or missed the target (−∞)": rows["value"] == -np.inf,
        "More of the reference's did (+∞)": rows["value"] == np.inf,
        "Incomplete, so not scored": rows["value"].isna() & ~rows["complete"],
    }
    return " ".join(
        f"{reason}: {', '.join(rows.loc[at, 'entrant'])}."
        for reason, at in reasons.items()
        if at.any()
    )


def _name_level(rows: pd.DataFrame) -> str:
    """Name the levels of the intervals where they are not those of a single test."""
    levels = rows["level"].dropna()
    if not levels.map(is_adjusted).any():
        return ""
    ends = dict.fromkeys(format_level(level) for level in (levels.min(), levels.max()))
    return f"Bars at the level of each verdict: {' to '.join(ends)}."
