"""Learning curves: target metric on validation, and training loss, against training steps.

Each entrant at its reported point; the line is the mean over seeds, the band runs from the worst
to the best seed (with so few of them, all of the data). A line ends where its first seed broke off.
"""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.spec import Status
from reports.figures.style import GREY, STYLE, drawing_order, grid, label_ends, plain
from reports.study import Study

TITLE = "Learning curves"
CAPTION = (
    "Each optimizer at its tuned or selected point: mean over seeds, band from worst to best seed. "
    "A cross marks where a first seed broke off; the line ends there. Of many optimizers only the "
    "reference and the six ranked highest are named, the others grey."
)
TRAIN_LOSS = "train/loss"
KEYS = ["comparison", "entrant", "metric"]


def info(study: Study) -> pd.DataFrame:
    """Mean and range over seeds per step, of the trials in ``Study.reported``.

    Columns: comparison, entrant, metric, step, mean, low, high, n (seeds still measured there),
    broken (some seed of the line did not finish). Steps that not all seeds reached are left out.
    """
    selected, line, at_step = study.reported, KEYS, [*KEYS, "step"]
    finished = selected["status"] == Status.FINISHED
    trials = selected[["run_id", "comparison", "entrant"]].assign(
        shown="val/" + selected["metric"],
        broken=~finished.groupby([selected["comparison"], selected["entrant"]]).transform("all"),
    )
    rows = study.curves.merge(trials, on="run_id")
    rows = rows[rows["metric"].isin([TRAIN_LOSS]) | (rows["metric"] == rows["shown"])]
    rows = rows[np.isfinite(rows["value"])]
    table = rows.groupby(at_step, as_index=False).agg(
        mean=("value", "mean"),
        low=("value", "min"),
        high=("value", "max"),
        n=("value", "count"),
        broken=("broken", "any"),
    )
    all_seeds = table["n"] == table.groupby(line)["n"].transform("max")
    return table[all_seeds].reset_index(drop=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> Figure | None:
    """One row of two panels per comparison; None without any evaluation."""
    comparisons = sorted(table["comparison"].unique())
    if not comparisons:
        return None
    with mpl.rc_context(STYLE):
        figure, panels = grid(len(comparisons), 2)
        for comparison, (left, right) in zip(comparisons, panels, strict=True):
            here = table[table["comparison"] == comparison]
            is_loss = here["metric"] == TRAIN_LOSS
            _panel(left, here[~is_loss], colours, comparison)
            _panel(right, here[is_loss], colours, comparison)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], title: str) -> None:
    if table.empty:
        axes.set_axis_off()
        return
    _scale(axes, table)
    ends = {}
    for name in drawing_order(table, colours):
        line, colour = table[table["entrant"] == name], colours[name]
        muted = colour == GREY
        axes.plot(line["step"], line["mean"], color=colour, lw=0.8 if muted else 1.5)
        if not muted:
            axes.fill_between(
                line["step"], line["low"], line["high"], color=colour, alpha=0.18, lw=0
            )
        last = line.iloc[-1]
        if last["broken"]:
            axes.plot(last["step"], last["mean"], "x", color=colour, ms=6, mew=1.6, zorder=5)
        ends[name] = float(last["mean"])
    axes.set(title=plain(title), xlabel="training step", ylabel=plain(table["metric"].iloc[0]))
    label_ends(axes, ends, colours)


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    """Log for positive values over more than a decade; else without the steep start."""
    axes.margins(x=0)
    low, high = float(table["low"].min()), float(table["high"].max())
    if low > 0 and high / low > 10:
        axes.set_yscale("log")
        return
    if len(table) > 10:  # where the curves differ is at their ends, not in the first few steps
        early, late = np.quantile(table["mean"], [0.15, 0.85])
        low, high = max(low, early - (late - early)), min(high, late + 2 * (late - early))
    room = 0.05 * (high - low) or 0.01
    axes.set_ylim(low - room, high + room)
