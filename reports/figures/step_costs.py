"""Costs of a step: its time, and the memory that training takes."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from reports.analysis.study import Study
from reports.figures.forest import draw_forest
from reports.figures.panel import Panel
from reports.figures.unstacked import STACKED, select_unstacked

TITLE = "Costs of a step"
CAPTION = (
    "Time of a training step, and memory. Dots: medians; bars: least to greatest. With costs=true "
    "each optimizer was measured alone on one machine, and memory is its state."
)
EMPTY = f"{STACKED} optbench-report study=NAME costs=true measures each alone."
COSTS = {
    "step_time_ms": "step time (ms)",
    "state_mib": "optimizer state (MiB)",
    "peak_memory_mib": "peak memory (MiB)",
}
COLUMNS = ["comparison", "cost", "entrant", "value", "low", "high", "n"]


def tabulate(study: Study) -> pd.DataFrame:
    """Take costs from ``Study.costs``, else from trials that trained alone.

    One row per comparison, cost and entrant.

    Columns: comparison, cost, entrant, value (median), low, high (range; the value itself where
    it was measured alone), n (trials; steps timed).
    """
    if len(study.costs):
        return _reshape_measured(study.costs)
    trials = select_unstacked(study)
    names = [name for name in COSTS if name in trials]
    long = trials.melt(["comparison", "entrant"], names, "cost").dropna(subset=["value"])
    rows = long.astype({"value": float}).groupby(["comparison", "cost", "entrant"])["value"]
    return rows.agg(["median", "min", "max", "count"]).reset_index().set_axis(COLUMNS, axis=1)


def _reshape_measured(costs: pd.DataFrame) -> pd.DataFrame:
    identity = ["comparison", "entrant", "steps_measured"]
    names = [name for name in COSTS if name in costs]
    long = costs.melt(identity, names, "cost").dropna(subset=["value"])
    long = long.assign(low=long["value"], high=long["value"], n=long["steps_measured"])
    return long[COLUMNS].sort_values(COLUMNS[:3], ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison and measured cost, the least on top."""
    panels = []
    for comparison, both in table.groupby("comparison", sort=True):
        for cost, label in COSTS.items():
            here = both[both["cost"] == cost].sort_values(["value", "entrant"])
            if here.empty:
                continue
            shown = here[["entrant", "value", "low", "high", "n"]]
            top = float(here["high"].max()) * 1.05 or 1.0
            scale = alt.Scale(domain=[0, float(f"{top:.4g}")], nice=False)
            chart = draw_forest(shown, colours, label, scale=scale, trials="n:Q")
            panels.append(Panel(f"{comparison}: {label}", chart))
    return panels
