"""A dot with its interval per entrant, one a row: the drawing that several figures share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from reports.figures import style
from reports.text.numbers import short


def draw_forest(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    title: str,
    *,
    baseline: float | None = None,
    scale: alt.Scale | None = None,
    **details: str,
) -> alt.LayerChart:
    """Draw rows from the top in the table's order.

    Args:
        table: columns entrant, value (finite), low, high (NaN: no interval; ∞: to the edge), and
            those of ``details``.
        title: of the horizontal axis.
        baseline: value of the line of no difference.
        details: further fields for the pointer, ``n="n:Q"``.
    """
    ends = pd.concat([table["value"], table["low"], table["high"]])
    numbers = ends[np.isfinite(ends)]
    edge = 10 * numbers.abs().max()
    shown = table.assign(
        low=table["low"].replace(-np.inf, -edge),
        high=table["high"].replace(np.inf, edge),
        interval=[
            f"[{short(a)}, {short(b)}]" for a, b in zip(table["low"], table["high"], strict=True)
        ],
    )
    source = style.inline_data(shown)
    fitted, axis = style.fit_axis(numbers)
    base = alt.Chart(source).encode(
        y=style.encode_rows(shown["entrant"].tolist()), color=style.encode_colour(colours)
    )
    values = {"value": "value:Q", "interval": "interval:N"}
    x = partial(alt.X, title=title, scale=scale or fitted, axis=axis)
    layers: list[alt.Chart] = []
    if baseline is not None:
        zero = alt.Chart(style.inline_data(pd.DataFrame({"at": [baseline]})))
        layers.append(zero.mark_rule(strokeDash=[3, 3], strokeOpacity=0.7).encode(x=x("at:Q")))
    layers += [
        base.mark_rule(strokeWidth=2, clip=True).encode(x=x("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=70).encode(
            x=x("value:Q"),
            shape=style.encode_shape(colours),
            tooltip=style.make_tooltip(optimizer="entrant:N", **values, **details),
        ),
    ]
    return style.layer_charts(layers, style.ROW * max(3, len(shown)))
