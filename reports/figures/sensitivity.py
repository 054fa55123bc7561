"""Learning-rate sensitivity: final validation metric against the learning rate tried.

Dots are means over the finished seeds, bands their range. A cross in the strip below says that at
least one seed diverged at that rate: the dot above it, if any, shows the survivors only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.spec import Phase, Status
from reports.figures.style import GREY, drawing_order, label_ends, validation_panels
from reports.selection import final, in_study
from reports.study import Study

TITLE = "Learning-rate sensitivity"
CAPTION = (
    "Final validation metric against the learning rate tried: in a study one dot a point of the "
    "search space, in a sweep the mean over finished seeds with a band from worst to best. A cross "
    "in the strip below: a seed diverged at that rate, and the dot above it shows the survivors."
)


def info(study: Study) -> pd.DataFrame:
    """One row per comparison, entrant and learning rate, where an entrant tried at least two.

    Trials that select, of a study; of a sweep those that explore.
    Columns: comparison, metric, direction, entrant, phase, lr, mean, low, high (range over seeds),
    n (finished), diverged. Where other hyperparameters varied too, the best point at a rate stands.
    """
    columns = ["comparison", "metric", "direction", "entrant", "phase", "lr"]
    empty = pd.DataFrame(columns=[*columns, "mean", "low", "high", "n", "diverged"])
    rows = study.attempts
    rows = rows[(rows["phase"] == Phase.SELECT) | ~in_study(rows)]
    if "hp.lr" not in rows:
        return empty
    rows = rows.assign(lr=pd.to_numeric(rows["hp.lr"], errors="coerce"), value=final(rows, "val"))
    rows = rows.assign(diverged=rows["status"] == Status.DIVERGED)
    rows = rows[rows["lr"] > 0]
    by_point = rows.groupby([*columns, "point"])
    table = by_point["value"].agg(["mean", "min", "max", "count"]).join(by_point["diverged"].sum())
    table = table.reset_index().rename(columns={"min": "low", "max": "high", "count": "n"})
    if table.empty:
        return empty
    loss = table["mean"] * np.where(table["direction"] == "maximize", -1, 1)
    best = table.assign(_loss=loss).sort_values([*columns, "_loss", "point"], na_position="last")
    best = best.drop_duplicates(columns).drop(columns=["_loss", "point"])
    tried = best.groupby(["comparison", "entrant"])["lr"].transform("nunique")
    return best[tried > 1].reset_index(drop=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> Figure | None:
    """One panel per comparison; None where nobody tried two learning rates."""
    return validation_panels(table, colours, _panel, "learning rate")


def _panel(axes: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    axes.set_xscale("log")
    ends = {}
    names = drawing_order(table, colours)
    for name in names:
        line, colour = table[table["entrant"] == name], colours[name]
        muted = colour == GREY
        points = line["phase"].iloc[0] == Phase.SELECT  # other hyperparameters vary with the rate
        axes.plot(
            *(line["lr"], line["mean"], "o" if points else "-o"),
            ms=3.5,
            color=colour,
            lw=0.8 if muted else 1.4,
        )
        if not muted and not points:
            axes.fill_between(line["lr"], line["low"], line["high"], color=colour, alpha=0.15, lw=0)
        if line["mean"].notna().any():
            ends[name] = float(line["mean"].dropna().iloc[-1])
    _mark_diverged(axes, table, colours, names)
    label_ends(axes, ends, colours)


def _mark_diverged(
    axes: Axes, table: pd.DataFrame, colours: Mapping[str, str], names: Sequence[str]
) -> None:
    """Crosses in a strip under the data, one line a colour, so that none hides another."""
    diverged = table[table["diverged"] > 0]
    present = set(diverged["entrant"])
    rows = list(dict.fromkeys(colours[name] for name in names if name in present))
    if not rows:
        return
    axes.autoscale_view()
    low, high = axes.get_ylim()
    strip = min(0.4, 0.05 * (len(rows) + 1))
    axes.set_ylim(low - strip * (high - low) / (1 - strip), high)
    axes.axhline(low, color=GREY, lw=0.6, ls=":")
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
    for i, colour in enumerate(rows):
        rates = diverged.loc[diverged["entrant"].map(colours) == colour, "lr"].unique()
        place = [strip * (i + 0.5) / len(rows)] * len(rates)
        under = axes.get_xaxis_transform()
        axes.plot(rates, place, "x", ms=5, mew=1.4, color=colour, transform=under)
    axes.annotate(
        "diverged", (0.01, strip / 2), xycoords="axes fraction", va="center", fontsize=7.5
    )
