"""Gain by tuning: the default point beside the tuned one, on test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import altair as alt
import pandas as pd

from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "Default against tuned"
CAPTION = (
    "Mean final value on test: hollow at the default, filled where tuned. Bars: 95 % intervals, of "
    "a tuned mean over whole tunings. Notice where the default is ahead."
)
EMPTY = "No optimizer has both a default and a tuned row."
COLUMNS = [
    *["comparison", "metric", "entrant", "row", "value", "low", "high"],
    *["n", "results", "settings", "tunings"],
]


def tabulate(study: Study) -> pd.DataFrame:
    """Select two rows per comparison and entrant that has both, in the leaderboard's order.

    Columns: comparison, metric, entrant, row (default, tuned), value, low, high (mean with its t
    interval), n (results that finished), results, settings (that a tuning tried), tunings.
    """
    found = []
    for board in study.leaderboards:
        for head in board.heads:
            own = [row for row in board.rows if row.arm.entrant_id == head.arm.entrant_id]
            if len(own) < 2 or any(math.isnan(row.test.estimate) for row in own):
                continue
            for row in reversed(own):  # a leaderboard has the default below
                arm, test = row.arm, row.test
                labels = (board.comparison, board.metric, arm.entrant, str(arm.kind))
                counts = (arm.finished, len(arm.results), arm.tried, arm.tunings)
                found.append((*labels, test.estimate, test.low, test.high, *counts))
    return pd.DataFrame(found, columns=COLUMNS)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison."""
    return [
        Panel(str(comparison), _draw_chart(here, colours))
        for comparison, here in table.groupby("comparison", sort=True)
    ]


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.LayerChart:
    names = table["entrant"].drop_duplicates().tolist()
    scale, axis = style.fit_axis(pd.concat([table["value"], table["low"], table["high"]]))
    x = partial(alt.X, title=f"test/{table['metric'].iloc[0]}", scale=scale, axis=axis)
    both = table.pivot(index="entrant", columns="row", values="value").reset_index()
    between = alt.Chart(style.inline_data(both)).mark_rule(color=style.GREY, strokeDash=[2, 2])
    layers = [between.encode(x=x("default:Q"), x2="tuned:Q", y=style.encode_rows(names))]
    for kind, offset in (("default", -4), ("tuned", 4)):
        rows = table.loc[table["row"] == kind].drop(columns=["comparison", "metric"])
        base = alt.Chart(style.inline_data(rows)).encode(
            y=style.encode_rows(names), color=style.encode_colour(colours)
        )
        values = {name: f"{name}:Q" for name in ("value", "low", "high", *COLUMNS[7:])}
        layers += [
            base.mark_rule(strokeWidth=1.8, yOffset=offset, clip=True).encode(
                x=x("low:Q"), x2="high:Q"
            ),
            base.mark_point(filled=kind == "tuned", size=60, yOffset=offset).encode(
                x=x("value:Q"),
                tooltip=style.make_tooltip(optimizer="entrant:N", row="row:N", **values),
            ),
        ]
    return style.layer_charts(layers, (style.ROW + 8) * max(2, len(names)))
