"""Training time against final value, with the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from reports.analysis.selection import final_values
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel
from reports.figures.unstacked import STACKED, select_unstacked
from reports.stats import intervals
from reports.stats.sampling import bounded

TITLE = "Time against quality"
CAPTION = (
    "Median training time of a trial against the mean final value on test. Bars: 95 % intervals. "
    "The line joins optimizers that no other beats in both."
)
EMPTY = STACKED


def tabulate(study: Study) -> pd.DataFrame:
    """Compute one row per comparison and entrant with finished trials.

    Columns: comparison, metric, direction, entrant, seconds (median; NaN: only stacks), value, low,
    high (mean on test with its t interval), n, front (nobody is faster and as good, or better and
    as fast). Empty where no trial trained alone.
    """
    trials = study.reported
    rows = trials.assign(value=final_values(trials, "test")).dropna(subset=["value"])
    times = select_unstacked(study).groupby(["comparison", "entrant"])["train_time_s"].median()
    means = []
    for key, group in rows.groupby(["comparison", "metric", "direction", "entrant"]):
        mean = bounded(str(key[1]), intervals.mean(group.groupby("seed")["value"].mean()))
        seconds = times.get((key[0], key[3]), np.nan)
        means.append((*key, seconds, mean.estimate, mean.low, mean.high, len(group)))
    columns = ["comparison", "metric", "direction", "entrant", "seconds"]
    table = pd.DataFrame(means, columns=[*columns, "value", "low", "high", "n"])
    if not table["seconds"].notna().any():
        return table.iloc[:0].assign(front=[])
    fronts = [_find_front(here) for _, here in table.groupby("comparison")]
    return table.assign(front=pd.concat(fronts))


def _find_front(table: pd.DataFrame) -> pd.Series:
    """Mark the Pareto front of few seconds and good values."""
    gain = table["value"] * np.where(table["direction"] == "maximize", 1, -1)
    ordered = table.assign(_gain=gain).sort_values(["seconds", "_gain"], ascending=[True, False])
    best_before = ordered["_gain"].cummax().shift(fill_value=-np.inf)
    front = (ordered["_gain"] > best_before) & ordered["seconds"].notna()
    return front.reindex(table.index)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison."""
    panels = []
    for comparison, here in table.groupby("comparison", sort=True):
        timed = here.dropna(subset=["seconds"])
        if timed.empty:
            panels.append(Panel(str(comparison), None, STACKED))
            continue
        without = sorted(set(here["entrant"]) - set(timed["entrant"]))
        note = f"Without {', '.join(without)}: trained in stacks only." if without else ""
        panels.append(Panel(str(comparison), _draw_chart(timed, colours), note, zoom=True))
    return panels


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.LayerChart:
    columns = ["entrant", "seconds", "value", "low", "high", "n", "front"]
    shown = style.sort_for_drawing(table, colours)[columns]
    ends = pd.concat([shown["value"], shown["low"], shown["high"]])
    y_scale, y_axis = style.fit_axis(ends)
    x_scale, x_axis = style.fit_axis(shown["seconds"])
    base = alt.Chart(style.inline_data(shown.assign(front=shown["front"].astype(int)))).encode(
        x=alt.X("seconds:Q", title="training time (s)", scale=x_scale, axis=x_axis)
    )
    title = f"test/{table['metric'].iloc[0]}"
    y = partial(alt.Y, title=title, scale=y_scale, axis=y_axis)
    front = base.transform_filter("datum.front").mark_line(
        interpolate="step-after", color=style.GREY, strokeWidth=1, strokeDash=[1, 0]
    )
    numbers = {name: f"{name}:Q" for name in ("seconds", "value", "low", "high", "n")}
    return style.layer_charts(
        [
            front.encode(y=y("value:Q"), order="seconds:Q"),
            base.mark_rule().encode(y=y("low:Q"), y2="high:Q", color=style.encode_colour(colours)),
            base.mark_point(filled=True, size=80).encode(
                y=y("value:Q"),
                color=style.encode_colour(colours),
                shape=style.encode_shape(colours),
                tooltip=style.make_tooltip(optimizer="entrant:N", **numbers),
            ),
        ],
        style.HEIGHT,
    )
