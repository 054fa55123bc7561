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

TITLE = "Scores over all tasks"
CAPTION = (
    "Against the reference, and so moved by no third entrant: log2 of its remaining loss, or of "
    "its steps to the target, over the entrant's, interquartile mean over tasks (+1: half "
    "the loss, or half the steps); and the probability that a trial ends better than one of the "
    "reference. Bars are 95 % bootstrap intervals over seeds within these tasks; a bar that runs "
    "to the edge goes on beyond it."
)
EMPTY = "No entrant ran every task with the reference's seeds, so there is no score over tasks."
SCORES = {
    "value": ("Final value", "log2 of remaining losses", 0.0),
    "speed": ("Speed", "log2 of steps to target", 0.0),
    "improvement": ("Probability of improvement", "probability", 0.5),
}
ENDS = {"": "value", "_low": "low", "_high": "high"}


def tabulate(study: Study) -> pd.DataFrame:
    """List one row per score and entrant, in the order of ``Study.overall``.

    Columns: score, entrant, value, low, high, n (tasks behind it), of (all tasks), complete.
    """
    rows = study.overall
    parts = []
    for score in SCORES:
        columns = {f"{score}{end}": name for end, name in ENDS.items()}
        part = rows[["entrant", *columns, "of", "complete"]].rename(columns=columns)
        n = rows[f"{score}_tasks"] if f"{score}_tasks" in rows else rows["of"]
        parts.append(part.assign(score=score, n=n))
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
        if len(drawn) < 2:  # the reference against itself
            panels.append(Panel(title, None, note or "No task has a target value."))
            continue
        shown = drawn[["entrant", "value", "low", "high", "n", "of"]]
        scale = _scale_around(shown, baseline)
        chart = draw_forest(
            shown, colours, axis, baseline=baseline, scale=scale, tasks="n:Q", of="of:Q"
        )
        panels.append(Panel(title, chart, note))
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
        "Lost to trials that broke off or missed the target (−∞)": rows["value"] == -np.inf,
        "Without a finite score for the reference's sake (+∞)": rows["value"] == np.inf,
        "Incomplete, so not scored": ~rows["complete"],
    }
    return " ".join(
        f"{reason}: {', '.join(rows.loc[at, 'entrant'])}."
        for reason, at in reasons.items()
        if at.any()
    )
