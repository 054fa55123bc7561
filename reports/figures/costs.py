"""What a step costs: its time, and the memory that training takes."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from reports.figures.alone import STACKED, alone
from reports.figures.forest import forest
from reports.figures.panel import Panel
from reports.study import Study

TITLE = "Costs of a step"
CAPTION = (
    "Median over trials that trained alone, with a bar from the least to the greatest: time of a "
    "training step without evaluation and data preparation, and peak memory."
)
EMPTY = STACKED
COSTS = {"step_time_ms": "step time (ms)", "peak_memory_mib": "peak memory (MiB)"}


def info(study: Study) -> pd.DataFrame:
    """One row per comparison, cost and entrant, of trials that trained alone.

    Columns: comparison, cost, entrant, value (median), low, high (range), n.
    """
    trials = alone(study)
    long = trials.melt(["comparison", "entrant"], list(COSTS), "cost").dropna(subset=["value"])
    rows = long.astype({"value": float}).groupby(["comparison", "cost", "entrant"])["value"]
    return (
        rows.agg(["median", "min", "max", "count"])
        .reset_index()
        .set_axis(["comparison", "cost", "entrant", "value", "low", "high", "n"], axis=1)
    )


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """A panel for each cost that was measured of each comparison, the least on top."""
    panels = []
    for comparison, both in table.groupby("comparison", sort=True):
        for cost, label in COSTS.items():
            here = both[both["cost"] == cost].sort_values(["value", "entrant"])
            if here.empty:
                continue
            shown = here[["entrant", "value", "low", "high", "n"]]
            top = float(here["high"].max()) * 1.05 or 1.0
            scale = alt.Scale(domain=[0, float(f"{top:.4g}")], nice=False)
            chart = forest(shown, colours, label, scale=scale, trials="n:Q")
            panels.append(Panel(f"{comparison}: {label}", chart))
    return panels
