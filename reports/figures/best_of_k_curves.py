"""Tuning costs: the expected best of k settings on validation against k, and its spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bench.spec import Phase
from reports.analysis.study import Study
from reports.data.ids import ARM
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "What tuning costs"
CAPTION = (
    "Expected validation value of the best of k settings drawn from those tried. Bands: the "
    "middle 80 % of draws. Notice where more settings stop helping."
)
EMPTY = "Nothing was tuned in this study."
TAIL = 0.1


def tabulate(study: Study) -> pd.DataFrame:
    """Add metric and band to ``Study.best_of_k``.

    Columns: those of ``Study.best_of_k``, metric, low and high (10 and 90 % quantiles of the best).
    """
    tried = dict(list(study.points[study.points["phase"] == Phase.SELECT].groupby(ARM)))
    metrics = study.trials.drop_duplicates("setting_id").set_index("setting_id")["metric"]
    table = study.best_of_k.dropna(subset=["expected"])
    bands = []
    for setting, entrant, k in table[[*ARM, "k"]].itertuples(index=False):
        points = tried[setting, entrant]
        values = points["val_mean"].where(points["n"] == points["seeds"])
        direction = str(points["direction"].iloc[0])
        ends = [quantile_of_best(values, int(k), direction, q) for q in (TAIL, 1 - TAIL)]
        bands.append((min(ends), max(ends)))
    low, high = zip(*bands, strict=True) if bands else ((), ())
    metric = table["setting_id"].map(metrics)
    return table.assign(metric=metric, low=list(low), high=list(high)).reset_index(drop=True)


def quantile_of_best(values: ArrayLike, k: int, direction: str, q: float) -> float:
    """Compute quantile ``q`` of the best of ``k`` draws, given that one of them finished.

    The worst is 0. The result is a measured value, so no band leaves the metric's range.

    Args:
        values: one per point, shape ``(n,)``; NaN for a point that diverged.
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
    """Draw one panel per comparison."""
    return [
        Panel(str(comparison), _draw_chart(here, colours))
        for comparison, here in table.groupby("comparison", sort=True)
    ]


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.LayerChart:
    columns = ["entrant", "k", "expected", "low", "high", "all_broken"]
    shown = style.prepare_bands(table, colours)[columns]
    whole = alt.Axis(tickMinStep=1, format="d")
    tried = alt.Scale(domain=[1, max(2, int(table["k"].max()))], nice=False)
    base = alt.Chart(style.inline_data(shown)).encode(
        x=alt.X("k:Q", title="settings tried", scale=tried, axis=whole),
        color=style.encode_colour(colours),
    )
    scale, axis = style.fit_axis(pd.concat([shown["expected"], shown["low"], shown["high"]]))
    y = partial(alt.Y, title=f"val/{table['metric'].iloc[0]}", scale=scale, axis=axis)
    band = base.mark_area(fillOpacity=0.14).encode(y=y("low:Q"), y2="high:Q")
    line = base.mark_line().encode(y=y("expected:Q"), strokeDash=style.encode_dash(colours))
    dots = base.mark_point(filled=True, size=28).encode(
        y=y("expected:Q"),
        shape=style.encode_shape(colours),
        tooltip=style.make_tooltip(
            optimizer="entrant:N",
            settings="k:Q",
            expected="expected:Q",
            from_="low:Q",
            to="high:Q",
            all_diverged="all_broken:Q",
        ),
    )
    return style.layer_charts([band, line, dots], style.HEIGHT)
