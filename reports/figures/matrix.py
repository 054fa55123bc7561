"""Numbers in coloured cells, rows by columns: the drawing that two figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from reports.figures import style

WORSE, EVEN, BETTER = "#e99a5a", "#f2f2f2", "#6bb7ea"  # black on them has a contrast above 8
END = 1.5  # log2, where colours end
SIZE = 30  # pixels of a row, for one line of text
LINE = 13  # pixels of a further line
BREAK = "|"  # between lines of a cell's text


def draw_matrix(
    table: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    tooltip: Sequence[alt.Tooltip],
    *,
    lines: int = 1,
) -> alt.LayerChart:
    """Draw one cell per row and column, the layer of text last.

    Args:
        table: columns row, column, shade (log2, for the colour; NaN: none), text (lines parted by
            ``BREAK``), entrant, and those of ``tooltip``.
        rows, columns: names from the top and from the left.
        lines: number of lines of the longest text.
    """
    bare: dict[str, Any] = {"ticks": False, "domain": False, "grid": False}
    top = alt.Axis(orient="top", labelAngle=-35, labelOverlap=False, **bare)
    left = alt.Axis(labelPadding=6, **bare)
    base = alt.Chart(style.inline_data(table)).encode(
        x=alt.X("column:N", title=None, scale=alt.Scale(domain=list(columns)), axis=top),
        y=alt.Y("row:N", title=None, scale=alt.Scale(domain=list(rows)), axis=left),
    )
    shades = alt.Scale(
        type="linear", domain=[-END, 0, END], range=[WORSE, EVEN, BETTER], clamp=True
    )
    coloured = base.transform_filter("isValid(datum.shade)").mark_rect()
    frames = base.mark_rect(fill="transparent", stroke=style.GREY, strokeOpacity=0.4)
    above = -LINE * (lines - 1) / 2
    text = base.mark_text(lineBreak=BREAK, lineHeight=LINE, baseline="middle", dy=above)
    ink = alt.condition("isValid(datum.shade)", alt.value("black"), alt.value(style.INK))
    layers = [
        coloured.encode(color=alt.Color("shade:Q", scale=shades, legend=None)),
        frames.encode(tooltip=list(tooltip)),
        text.encode(text="text:N", color=ink),
    ]
    return style.layer_charts(layers, (SIZE + LINE * (lines - 1)) * len(rows))
