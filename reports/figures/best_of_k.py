"""What tuning costs: the expected best of k points on validation against k, and its spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bench.spec import Phase
from reports.analysis.selection import ENTRANT
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "What tuning costs"
CAPTION = (
    "Expected validation value of the best of k points drawn from those that were tried; the band "
    "holds the middle 80 % of such draws, of those with a point that finished: the luck of which "
    "points one draws. Points that diverge count as worst."
)
EMPTY = "Nobody was tuned in this study."
TAIL = 0.1


def info(study: Study) -> pd.DataFrame:
    """``Study.best_of_k`` with metric and band of each comparison; k where all may diverge stays.

    Columns: those of ``Study.best_of_k``, metric, low and high (10 and 90 % quantiles of the best).
    """
    tried = dict(list(study.points[study.points["phase"] == Phase.SELECT].groupby(ENTRANT)))
    metrics = study.trials.drop_duplicates("comparison").set_index("comparison")["metric"]
    table = study.best_of_k.dropna(subset=["expected"])
    bands = []
    for comparison, entrant, k in table[[*ENTRANT, "k"]].itertuples(index=False):
        points = tried[comparison, entrant]
        values = points["val_mean"].where(points["n"] == points["seeds"])
        direction = str(points["direction"].iloc[0])
        ends = [quantile(values, int(k), direction, q) for q in (TAIL, 1 - TAIL)]
        bands.append((min(ends), max(ends)))
    low, high = zip(*bands, strict=True) if bands else ((), ())
    metric = table["comparison"].map(metrics)
    return table.assign(metric=metric, low=list(low), high=list(high)).reset_index(drop=True)


def quantile(values: ArrayLike, k: int, direction: str, q: float) -> float:
    """Of the best of ``k`` draws, among draws with a point that finished; the worst is 0.

    It is a value that was measured: no band of it leaves the range of the metric.

    Args:
        values: one a point, shape ``(n,)``; NaN for one that broke.
    """
    x = np.asarray(values, dtype=float)
    sign = 1.0 if direction == "maximize" else -1.0
    finite = np.sort(sign * x[~np.isnan(x)])  # worst first
    if len(finite) == 0:
        return math.nan
    n, broken = len(x), len(x) - len(finite)
    at_most = (np.arange(broken, n + 1) / n) ** k
    reached = (at_most[1:] - at_most[0]) / (1.0 - at_most[0])
    return float(sign * finite[np.searchsorted(reached, q - 1e-12)])


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """One panel a comparison."""
    return [
        Panel(str(comparison), _chart(here, colours))
        for comparison, here in table.groupby("comparison", sort=True)
    ]


def _chart(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.LayerChart:
    columns = ["entrant", "k", "expected", "low", "high", "all_broken"]
    shown = style.banded(table, colours)[columns]
    tried = alt.Scale(domain=[1, max(2, int(table["k"].max()))], nice=False)
    base = alt.Chart(style.data(shown)).encode(
        x=alt.X("k:Q", title="points tried", scale=tried, axis=alt.Axis(tickMinStep=1, format="d")),
        color=style.colour(colours),
    )
    scale, axis = style.fitted(pd.concat([shown["expected"], shown["low"], shown["high"]]))
    y = partial(alt.Y, title=f"val/{table['metric'].iloc[0]}", scale=scale, axis=axis)
    band = base.mark_area(fillOpacity=0.14).encode(y=y("low:Q"), y2="high:Q")
    line = base.mark_line().encode(y=y("expected:Q"), strokeDash=style.dash(colours))
    dots = base.mark_point(filled=True, size=28).encode(
        y=y("expected:Q"),
        shape=style.shape(colours),
        tooltip=style.tooltip(
            optimizer="entrant:N",
            points="k:Q",
            expected="expected:Q",
            from_="low:Q",
            to="high:Q",
            all_broken="all_broken:Q",
        ),
    )
    return style.layered([band, line, dots], style.HEIGHT)
