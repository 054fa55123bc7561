"""What tuning costs: the expected best of k points on validation against k, and its spread."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.style import GREY, drawing_order, label_ends, validation_panels
from reports.study import Study

TITLE = "What tuning costs"
CAPTION = (
    "Expected validation value of the best of k points drawn from those that were tried, with one "
    "standard deviation: the luck of which points one draws. Points that diverge count as worst."
)


def info(study: Study) -> pd.DataFrame:
    """``Study.best_of_k`` with the metric of each comparison; k where all may diverge stays."""
    metrics = study.trials.drop_duplicates("comparison").set_index("comparison")["metric"]
    table = study.best_of_k
    return table.assign(
        metric=table["comparison"].map(metrics),
        low=table["expected"] - table["spread"],
        high=table["expected"] + table["spread"],
    ).dropna(subset=["expected"])


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> Figure | None:
    """One panel per comparison; None where nobody was tuned."""
    return validation_panels(table, colours, _panel, "points tried")


def _panel(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    ends = {}
    for name in drawing_order(table, colours):
        line, colour = table[table["entrant"] == name], colours[name]
        muted = colour == GREY
        axes.plot(line["k"], line["expected"], "-o", ms=3, color=colour, lw=0.8 if muted else 1.4)
        if not muted:
            axes.fill_between(line["k"], line["low"], line["high"], color=colour, alpha=0.12, lw=0)
        ends[name] = float(line["expected"].iloc[-1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(axes, ends, colours)
