"""Learning curves: target metric on validation and training loss, against steps or time.

Each entrant at its reported point; the line is the mean over seeds, the band runs from the worst
to the best seed (with so few of them, all of the data). A line ends where its first seed broke off.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from bench.spec import Status
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "Learning curves"
CAPTION = (
    "Mean over the reported trials of each optimizer; the band runs from the worst to the best. A "
    "cross marks where a first trial stopped; the line ends there."
)
EMPTY = "No trial was evaluated."
TRAIN_LOSS = "train/loss"
KEYS = ["comparison", "entrant", "metric"]
AGAINST = {"steps": "training step", "seconds": "training time (s)", "gradients": "gradients"}
DRAWN = 100
NO_CLOCK = "Not drawn against seconds: trials of a stack share one clock."


def tabulate(study: Study) -> pd.DataFrame:
    """Compute mean and range over seeds per step, of the trials in ``Study.reported``.

    Columns: comparison, entrant, metric, steps, seconds (mean over seeds; NaN where a trial was
    part of a stack), gradients, mean, low, high, n (seeds still measured there), broken (some seed
    of the line did not finish). Steps that not all seeds reached are left out.
    """
    selected = study.reported
    finished = selected["status"] == Status.FINISHED
    trials = selected[["run_id", "comparison", "entrant"]].assign(
        shown="val/" + selected["metric"],
        broken=~finished.groupby([selected["comparison"], selected["entrant"]]).transform("all"),
        alone=selected["stack_size"].isna(),
        per_step=(selected["gradients"] / selected["steps"]).astype(float),
    )
    rows = study.curves.merge(trials, on="run_id")
    rows = rows[rows["metric"].isin([TRAIN_LOSS]) | (rows["metric"] == rows["shown"])]
    rows = rows[np.isfinite(rows["value"])].rename(columns={"step": "steps"})
    rows["seconds"] = rows["train_time_s"].where(rows["alone"])
    rows["gradients"] = rows["steps"] * rows["per_step"]
    table = rows.groupby([*KEYS, "steps"], as_index=False).agg(
        seconds=("seconds", _mean_unless_missing),
        gradients=("gradients", _mean_unless_missing),
        mean=("value", "mean"),
        low=("value", "min"),
        high=("value", "max"),
        n=("value", "count"),
        broken=("broken", "any"),
    )
    all_seeds = table["n"] == table.groupby(KEYS)["n"].transform("max")
    return table[all_seeds].reset_index(drop=True)


def _mean_unless_missing(values: pd.Series) -> float:
    """Return NaN if any value is missing: a mean over some seeds would jump where they end."""
    return float(values.mean(skipna=False))


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw metric and training loss per comparison, against steps, seconds and gradients."""
    return [
        _draw_panel(here, colours, f"{comparison}: {metric}", against)
        for against in AGAINST
        for comparison, both in table.groupby("comparison", sort=True)
        for metric, here in sorted(both.groupby("metric"), key=lambda one: one[0] == TRAIN_LOSS)
    ]


def _draw_panel(table: pd.DataFrame, colours: Mapping[str, str], title: str, against: str) -> Panel:
    measured = table.dropna(subset=[against])
    if measured.empty:
        note = NO_CLOCK if against == "seconds" else f"The number of {against} was not recorded."
        return Panel(title, None, note, variant=against)
    left_out = sorted(set(table["entrant"]) - set(measured["entrant"]))
    note = f"Without {', '.join(left_out)}: not measured." if left_out else ""
    return Panel(title, _draw_chart(measured, colours, against), note, variant=against, zoom=True)


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str], against: str) -> alt.LayerChart:
    shown = pd.concat([style.thin_rows(line, DRAWN) for _, line in table.groupby("entrant")])
    shown = style.prepare_bands(shown, colours)
    columns = ["entrant", *AGAINST, "mean", "low", "high", "n"]
    scale, axis = _fit_y_axis(table)
    y = partial(alt.Y, title=str(table["metric"].iloc[0]), scale=scale, axis=axis)
    first, last = float(shown[against].min()), float(shown[against].max())
    passed = alt.Scale(domain=style.round_domain(first, last + (first == last)), nice=False)
    base = alt.Chart(style.inline_data(shown[columns])).encode(
        x=alt.X(f"{against}:Q", title=AGAINST[against], scale=passed, axis=alt.Axis(tickCount=6)),
        color=style.encode_colour(colours, line=True),
    )
    values = {name: f"{name}:Q" for name in (*AGAINST, "mean", "low", "high", "n")}
    low, high = scale.domain
    clip = bool((table["low"] < low).any() or (table["high"] > high).any())  # slow to draw
    band = base.transform_filter("isValid(datum.low)").mark_area(fillOpacity=0.16, clip=clip)
    points = base.mark_point(filled=True, size=70, fillOpacity=0, clip=clip)
    layers = [
        band.encode(y=y("low:Q"), y2="high:Q"),
        base.mark_line(clip=clip).encode(
            y=y("mean:Q"), strokeDash=style.encode_dash(colours, line=True)
        ),
        points.encode(y=y("mean:Q"), tooltip=style.make_tooltip(optimizer="entrant:N", **values)),
    ]
    end = shown["broken"] & ~shown.duplicated("entrant", keep="last")
    ends = shown.loc[end, ["entrant", against, "mean"]]
    if len(ends):
        cross = base.mark_point(shape="cross", angle=45, size=70, filled=True)
        layers.append(cross.encode(y=y("mean:Q")).properties(data=style.inline_data(ends)))
    return style.layer_charts(layers, style.HEIGHT)


def _fit_y_axis(table: pd.DataFrame) -> tuple[alt.Scale, alt.Axis]:
    """Fit a log axis over more than a decade; else a linear one without the steep start."""
    low, high = float(table["low"].min()), float(table["high"].max())
    if style.spans_a_decade(pd.Series([low, high])):
        ends = style.round_domain(0.99 * low, 1.01 * high)
        return alt.Scale(type="log", domain=ends, nice=False), style.make_log_axis(*ends)
    if len(table) > 10:  # where the curves differ is at their ends, not in the first few steps
        early, late = np.quantile(table["mean"], [0.15, 0.85])
        low, high = max(low, early - (late - early)), min(high, late + 2 * (late - early))
    room = 0.05 * (high - low) or 0.01
    scale = alt.Scale(domain=style.round_domain(low - room, high + room), nice=False)
    return scale, alt.Axis(tickCount=6)
