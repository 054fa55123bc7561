"""Performance profiles: share of tasks where an entrant is within a factor of the fastest.

Source: Dolan and Moré 2002, arXiv:cs/0102001; as a score of optimizers Dahl et al. 2023,
arXiv:2306.07179.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import altair as alt
import pandas as pd

from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "Performance profile"
CAPTION = (
    "Share of tasks on which the median steps to target are at most τ times the fastest "
    "optimizer's. Bands: 95 % bootstrap over results. It depends on who is compared."
)
EMPTY = "No two optimizers ran every task, or no task has a target value."


def tabulate(study: Study) -> pd.DataFrame:
    """Take ``Study.profile`` (entrant, tau, share, low, high), if two entrants are in it."""
    table = study.profile
    return table if table["entrant"].nunique() > 1 else table.iloc[:0]


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel over all tasks."""
    if table.empty:
        return []
    if not table["share"].any():
        return [Panel("All tasks", None, "No optimizer reached a target: every profile is 0.")]
    ends = style.round_domain(table["tau"].min(), table["tau"].max())
    base = alt.Chart(style.inline_data(style.prepare_bands(table, colours))).encode(
        x=alt.X(
            "tau:Q",
            title="τ, times the fastest",
            scale=alt.Scale(type="log", domain=ends, nice=False),
            axis=alt.Axis(values=[1, 1.5, 2, 3, 4, 6, 10], format="~g"),
        ),
        color=style.encode_colour(colours, line=True),
    )
    y = partial(alt.Y, title="share of tasks", scale=alt.Scale(domain=[0, 1]))
    area = base.mark_area(fillOpacity=0.12, interpolate="step-after")
    line = base.mark_line(interpolate="step-after")
    values = {"tau": "tau:Q", "share": "share:Q", "from_": "low:Q", "to": "high:Q"}
    layers = [
        area.encode(y=y("low:Q"), y2="high:Q"),
        line.encode(y=y("share:Q"), strokeDash=style.encode_dash(colours, line=True)),
        base.mark_point(filled=True, size=60, fillOpacity=0).encode(
            y=y("share:Q"), tooltip=style.make_tooltip(optimizer="entrant:N", **values)
        ),
    ]
    return [Panel("All tasks", style.layer_charts(layers, 260))]
