"""How every figure looks: one colour, dash and shape per entrant throughout a report, plain axes.

Colours are Okabe and Ito's colour-blind safe set without its yellow, which vanishes on white.
The reference is drawn in the text colour. Beyond the palette's length entrants are grey: more hues
than about seven cannot be told apart, and a pointer or the leaderboard names everyone.

Names from a study are values of data, scale domains and axis titles, never a field's name and never
part of a Vega expression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

INK = "currentColor"  # text, axes, the reference: the page's own text colour, black on paper
GREY = "#9aa0a6"
OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7"]
DASHES = [[1, 0], [7, 2], [2, 2], [7, 2, 2, 2], [12, 3], [4, 1, 1, 1, 1, 1], [4, 4]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right"]
FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif'
DIGITS = 5  # significant ones that drawn data keep: less than a pixel
HEIGHT, ROW = 190, 20  # pixels: of a panel; of an entrant's line in a panel that lists them
DECADE = 10
POWERS = "format(datum.value, datum.value < 0.001 || datum.value >= 1e5 ? '~e' : '~g')"
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "aria": False,  # a label on every mark; a panel has one
    "font": FONT,
    "view": {"stroke": None},
    "title": {"anchor": "start", "color": INK, "fontSize": 13, "fontWeight": 600, "offset": 8},
    "axis": {
        **{"labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK},
        **{"labelFontSize": 11.5, "titleFontSize": 12, "titleFontWeight": "normal"},
        **{"gridColor": GREY, "gridOpacity": 0.25, "labelLimit": 120, "titleLimit": 280},
        "labelOverlap": "greedy",
    },
    "legend": {
        **{"labelColor": INK, "labelFontSize": 12, "labelLimit": 150, "title": None},
        **{"orient": "bottom", "columns": 4, "symbolStrokeWidth": 2},
    },
    "text": {"color": INK, "fontSize": 11.5},
    "rule": {"color": INK},
    "line": {"strokeWidth": 1.8},
    "point": {"opacity": 1},  # fillOpacity where less: that of a mark as a whole is slow to draw
    "tick": {"opacity": 1},
}


def palette(entrants: Sequence[str], reference: str = "adam") -> dict[str, str]:
    """Entrant → colour, from the report's order (the reference first, then by position)."""
    others = [name for name in entrants if name != reference]
    colours = OKABE_ITO + [GREY] * len(others)
    return {reference: INK} | dict(zip(others, colours, strict=False))


def data(table: pd.DataFrame) -> alt.Data:
    """A table as compact CSV inside the chart; column names have to be ours, values may be any."""
    numbers = {name for name in table if pd.api.types.is_numeric_dtype(table[name])}
    parse = {str(name): "number" if name in numbers else "string" for name in table}
    text = table.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")
    return alt.Data(values=text, format=alt.CsvDataFormat(type="csv", parse=parse))


def drawing_order(table: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """Rows sorted by entrant, the most important last and so on top.

    The reference is below all that have a colour: its full line shows through the gaps of theirs.
    """
    last = len(named(colours))
    place = {name: -(i or last - 0.5) for i, name in enumerate(colours)}
    return table.sort_values("entrant", key=lambda names: names.map(place), kind="stable")


def thinned(line: pd.DataFrame, most: int) -> pd.DataFrame:
    """Evenly spaced rows with both ends, where there are more than ``most``."""
    if len(line) <= most:
        return line
    return line.iloc[np.unique(np.linspace(0, len(line) - 1, most).round().astype(int))]


def banded(table: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """``drawing_order`` with ``low`` and ``high`` of those only that have a colour of their own."""
    shown = drawing_order(table, colours)
    muted = shown["entrant"].map(colours) == GREY
    return shown.assign(low=shown["low"].mask(muted), high=shown["high"].mask(muted))


def named(colours: Mapping[str, str]) -> list[str]:
    """Entrants with a colour of their own; the others are grey and named under the pointer."""
    return [name for name, colour in colours.items() if colour != GREY]


def colour(colours: Mapping[str, str], *, line: bool = False) -> alt.Color:
    """``line``: the legend of paper shows lines with their dashes, not points with their shapes."""
    scale = _scale(colours, list(colours.values()))
    return alt.Color("entrant:N", scale=scale, legend=_legend(colours, line))


def dash(colours: Mapping[str, str], *, line: bool = False) -> alt.StrokeDash:
    legend = _legend(colours, line) if line else None
    return alt.StrokeDash("entrant:N", scale=_scale(colours, DASHES), legend=legend)


def shape(colours: Mapping[str, str]) -> alt.Shape:
    return alt.Shape("entrant:N", scale=_scale(colours, SHAPES), legend=_legend(colours, False))


def _legend(colours: Mapping[str, str], line: bool) -> alt.Legend:
    legend = alt.Legend(values=named(colours), symbolOpacity=1)
    if line:
        legend.symbolType, legend.symbolStrokeWidth = "stroke", 2.5
    return legend


def _scale(colours: Mapping[str, str], values: Sequence[Any]) -> alt.Scale:
    """Domain and range by the report's order; beyond the palette the first of ``values``."""
    shown = [values[i] if i < len(values) else values[0] for i in range(len(colours))]
    return alt.Scale(domain=list(colours), range=shown)


def spans_a_decade(values: pd.Series) -> bool:
    """Whether a logarithmic axis shows them better: positive, the largest ten times the least."""
    return bool((values > 0).all() and values.max() > DECADE * values.min())


def fitted(values: pd.Series) -> tuple[alt.Scale, alt.Axis]:
    """Logarithmic where ``spans_a_decade``; else linear, not from zero.

    The domain is always given: a panel keeps its axes when entrants are switched off.
    """
    values = values.dropna()
    if spans_a_decade(values):
        low, high = domain(values.min(), values.max())
        scale = alt.Scale(type="log", domain=[low, high], nice=False, padding=8)
        return scale, log_ticks(low, high)
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    if low == high:
        low, high = low - (abs(low) / 20 or 1), high + (abs(high) / 20 or 1)
    scale = alt.Scale(domain=domain(low, high), nice=False, padding=8)
    return scale, alt.Axis(tickCount=6)


def domain(low: float, high: float) -> list[float]:
    """Ends with six digits, which a specification of every panel can bear."""
    return [float(f"{end:.6g}") for end in (low, high)]


def log_ticks(low: float, high: float) -> alt.Axis:
    """Powers of ten, with 2 and 5 between them where they are few; small ones as ``1e-6``."""
    decades = math.log10(high / low)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if decades > 3 else (1, 3) if decades > 1.5 else (1, 2, 5)
    values = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    ticks = [value for value in values if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
    return alt.Axis(values=ticks, labelExpr=POWERS)


def layered(layers: Sequence[alt.Chart | alt.LayerChart], height: float) -> alt.LayerChart:
    """Layers on one pair of axes; ``height`` in pixels, the width is the page's or paper's."""
    return alt.LayerChart(layer=list(layers)).properties(height=height)


def listed(names: Sequence[str]) -> alt.Y:
    """One row an entrant, in the order given from the top."""
    return alt.Y("entrant:N", title=None, scale=alt.Scale(domain=list(names)), axis=_NAMES)


_NAMES = alt.Axis(ticks=False, domain=False, labelPadding=6, grid=False, labelOverlap=False)


def tooltip(**fields: str) -> list[alt.Tooltip]:
    """``mean="mean:Q"``: what a pointer shows, numbers to four digits; an underscore is a space."""
    return [
        alt.Tooltip(field, title=name.replace("_", " "), format=".4~g")
        if field.endswith(":Q")
        else alt.Tooltip(field, title=name.replace("_", " "))
        for name, field in fields.items()
    ]
