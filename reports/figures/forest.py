"""A dot with its interval for each entrant, one a row: the drawing that several figures share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from reports.figures import style


def forest(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    title: str,
    *,
    baseline: float | None = None,
    scale: alt.Scale | None = None,
    **details: str,
) -> alt.LayerChart:
    """Rows from the top in the table's order.

    Args:
        table: columns entrant, value, low, high (NaN: no interval), and those of ``details``.
        title: of the horizontal axis.
        baseline: where a line says "no difference".
        details: more for the pointer, ``n="n:Q"``.
    """
    shown = table.replace([np.inf, -np.inf], np.nan)
    source = style.data(shown)
    numbers = pd.concat([shown["value"], shown["low"], shown["high"]])
    fitted, axis = style.fitted(numbers)
    base = alt.Chart(source).encode(
        y=style.listed(shown["entrant"].tolist()), color=style.colour(colours)
    )
    values = {"value": "value:Q", "from_": "low:Q", "to": "high:Q"}
    x = partial(alt.X, title=title, scale=scale or fitted, axis=axis)
    layers: list[alt.Chart] = []
    if baseline is not None:
        zero = alt.Chart(style.data(pd.DataFrame({"at": [baseline]})))
        layers.append(zero.mark_rule(strokeDash=[3, 3], strokeOpacity=0.7).encode(x=x("at:Q")))
    layers += [
        base.mark_rule(strokeWidth=2, clip=True).encode(x=x("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=70).encode(
            x=x("value:Q"),
            shape=style.shape(colours),
            tooltip=style.tooltip(optimizer="entrant:N", **values, **details),
        ),
    ]
    return style.layered(layers, style.ROW * max(3, len(shown)))
