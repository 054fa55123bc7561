"""The look of every figure: one colour, dash and shape per entrant in a whole report, plain axes.

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


def assign_colours(entrants: Sequence[str], reference: str = "adam") -> dict[str, str]:
    """Map each entrant to its colour, in the report's order.

    Args:
        entrants: labels; those of the reference come first.
        reference: the label that is drawn in ink. Where it is none of them nobody is.
    """
    others = [name for name in entrants if name != reference]
    colours = dict(zip(others, OKABE_ITO + [GREY] * len(others), strict=False))
    return {name: colours.get(name, INK) for name in entrants}


def inline_data(table: pd.DataFrame) -> alt.Data:
    """Put a table into a chart as compact CSV; column names must be ours, values may be any."""
    numbers = {name for name in table if pd.api.types.is_numeric_dtype(table[name])}
    parse = {str(name): "number" if name in numbers else "string" for name in table}
    text = table.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")
    return alt.Data(values=text, format=alt.CsvDataFormat(type="csv", parse=parse))


def sort_for_drawing(table: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """Sort rows by entrant, the most important last and so on top.

    The reference is below all that have a colour: its full line shows through the gaps of theirs.
    """
    last = len(select_named(colours))
    place = {name: -(i or last - 0.5) for i, name in enumerate(colours)}
    return table.sort_values("entrant", key=lambda names: names.map(place), kind="stable")


def thin_rows(line: pd.DataFrame, most: int) -> pd.DataFrame:
    """Keep ``most`` evenly spaced rows, both ends among them."""
    if len(line) <= most:
        return line
    return line.iloc[np.unique(np.linspace(0, len(line) - 1, most).round().astype(int))]


def prepare_bands(table: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """Sort for drawing, and drop ``low`` and ``high`` of entrants without a colour of their own."""
    shown = sort_for_drawing(table, colours)
    muted = shown["entrant"].map(colours) == GREY
    return shown.assign(low=shown["low"].mask(muted), high=shown["high"].mask(muted))


def select_named(colours: Mapping[str, str]) -> list[str]:
    """Select entrants with a colour of their own; the others are grey, named under the pointer."""
    return [name for name, colour in colours.items() if colour != GREY]


def encode_colour(colours: Mapping[str, str], *, line: bool = False) -> alt.Color:
    """Encode entrants as colours.

    Args:
        line: the legend on paper shows lines with their dashes, not points with their shapes.
    """
    scale = _make_scale(colours, list(colours.values()))
    return alt.Color("entrant:N", scale=scale, legend=_make_legend(colours, line))


def encode_dash(colours: Mapping[str, str], *, line: bool = False) -> alt.StrokeDash:
    """Encode entrants as dashes; ``line`` as in ``encode_colour``."""
    legend = _make_legend(colours, line) if line else None
    return alt.StrokeDash("entrant:N", scale=_make_scale(colours, DASHES), legend=legend)


def encode_shape(colours: Mapping[str, str]) -> alt.Shape:
    """Encode entrants as shapes of points."""
    return alt.Shape(
        "entrant:N", scale=_make_scale(colours, SHAPES), legend=_make_legend(colours, False)
    )


def _make_legend(colours: Mapping[str, str], line: bool) -> alt.Legend:
    legend = alt.Legend(values=select_named(colours), symbolOpacity=1)
    if line:
        legend.symbolType, legend.symbolStrokeWidth = "stroke", 2.5
    return legend


def _make_scale(colours: Mapping[str, str], values: Sequence[Any]) -> alt.Scale:
    """Give entrants ``values`` in the report's order; beyond their end all get the first."""
    shown = [values[i] if i < len(values) else values[0] for i in range(len(colours))]
    return alt.Scale(domain=list(colours), range=shown)


def spans_a_decade(values: pd.Series) -> bool:
    """Tell if a log axis fits: all values positive, the largest over ten times the least."""
    return bool((values > 0).all() and values.max() > DECADE * values.min())


def fit_axis(values: pd.Series) -> tuple[alt.Scale, alt.Axis]:
    """Fit scale and axis: logarithmic where ``spans_a_decade``, else linear and not from zero.

    The domain is always given: a panel keeps its axes when entrants are switched off.
    """
    values = values.dropna()
    if spans_a_decade(values):
        low, high = round_domain(values.min(), values.max())
        scale = alt.Scale(type="log", domain=[low, high], nice=False, padding=8)
        return scale, make_log_axis(low, high)
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    if low == high:
        low, high = low - (abs(low) / 20 or 1), high + (abs(high) / 20 or 1)
    scale = alt.Scale(domain=round_domain(low, high), nice=False, padding=8)
    return scale, alt.Axis(tickCount=6)


def round_domain(low: float, high: float) -> list[float]:
    """Round both ends to six digits, to keep specifications short."""
    return [float(f"{end:.6g}") for end in (low, high)]


def make_log_axis(low: float, high: float) -> alt.Axis:
    """Label powers of ten, with 2 and 5 between them if they are few; small ones as ``1e-6``."""
    decades = math.log10(high / low)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if decades > 3 else (1, 3) if decades > 1.5 else (1, 2, 5)
    values = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    ticks = [value for value in values if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
    return alt.Axis(values=ticks, labelExpr=POWERS)


def layer_charts(layers: Sequence[alt.Chart | alt.LayerChart], height: float) -> alt.LayerChart:
    """Put layers on one pair of axes, ``height`` pixels high; page and paper choose the width."""
    return alt.LayerChart(layer=list(layers)).properties(height=height)


def encode_rows(names: Sequence[str]) -> alt.Y:
    """Encode entrants as rows, in the order given from the top."""
    return alt.Y("entrant:N", title=None, scale=alt.Scale(domain=list(names)), axis=_NAMES)


def write_remarks(remarks: pd.DataFrame, names: Sequence[str]) -> alt.Chart:
    """Write the ``remark`` of each ``entrant`` at the right end of its row."""
    text = alt.Chart(inline_data(remarks)).mark_text(align="right", dx=-2)
    return text.encode(x=alt.value("width"), y=encode_rows(names), text="remark:N")


_NAMES = alt.Axis(ticks=False, domain=False, labelPadding=6, grid=False, labelOverlap=False)


def make_tooltip(**fields: str) -> list[alt.Tooltip]:
    """List fields for the pointer, ``mean="mean:Q"``; numbers get four digits, ``_`` is a space."""
    return [
        alt.Tooltip(field, title=name.replace("_", " "), format=".4~g")
        if field.endswith(":Q")
        else alt.Tooltip(field, title=name.replace("_", " "))
        for name, field in fields.items()
    ]
