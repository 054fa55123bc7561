"""Sensitivity: final validation metric against each hyperparameter that was tuned or swept.

Dots are means over the finished seeds, bands their range. Below them stands what was declared: a
line from the lowest to the highest value that an entrant might try, and a cross on it where a seed
diverged; the dot above a cross, if any, shows the survivors only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from bench.spec import Phase, Status
from bench.spec.search_space import Dimension, dimensions
from reports.analysis.selection import final_values, is_in_study
from reports.analysis.study import Study
from reports.data.labels import prefixed_columns
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "Sensitivity to hyperparameters"
CAPTION = (
    "Final validation value by hyperparameter: one dot a setting. Bands: worst to best seed. "
    "Lines below: declared ranges; a cross: a trial diverged there. Notice dots at an end."
)
EMPTY = "No optimizer tried two values of a hyperparameter."
KEYS = ["comparison", "metric", "direction", "entrant", "phase", "hyperparameter"]
COLUMNS = [
    *[*KEYS, "scale", "x", "level", "mean", "low", "high", "n", "diverged"],
    *["range_low", "range_high"],
]
STRIP = 9  # pixels of an entrant's line below the data


def tabulate(study: Study) -> pd.DataFrame:
    """List one row per comparison, entrant, hyperparameter and value, if at least two were tried.

    Trials that select, of a study; of a sweep those that explore.
    Columns: comparison, metric, direction, entrant, phase, hyperparameter (``1 − betas.1`` where
    that is what was declared), scale (log, linear, choice), x (NaN of a choice), level (the value
    as text, of a choice), mean, low, high (range over seeds), n (finished), diverged, range_low and
    range_high (as declared; NaN where nothing was). Where other hyperparameters varied too, the
    best setting at a value stands.
    """
    rows = study.attempts
    rows = rows[(rows["phase"] == Phase.SELECT) | ~is_in_study(rows)]
    rows = rows.assign(value=final_values(rows, "val"), broke=rows["status"] == Status.DIVERGED)
    found = []
    for (_, _, space_hash), own in rows.groupby(["comparison", "entrant", "space_hash"]):
        declared = {d.name: d for d in dimensions(study.spaces.get(str(space_hash), {}))}
        for column in prefixed_columns(own, "hp."):
            name = column.removeprefix("hp.")
            if (not declared or name in declared) and own[column].nunique() > 1:
                found.append(_summarize(own, column, declared.get(name)))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _summarize(own: pd.DataFrame, column: str, declared: Dimension | None) -> pd.DataFrame:
    """Summarize the values that one entrant tried of one hyperparameter."""
    rows = own[own[column].notna()]
    scale = declared.scale if declared else _guess_scale(rows[column])
    x = pd.to_numeric(rows[column], errors="coerce") if scale != "choice" else math.nan
    name = column.removeprefix("hp.")
    if declared and declared.one_minus:
        x, name = 1 - x, f"1 − {name}"
    level = rows[column].map(str) if scale == "choice" else ""
    rows = rows.assign(hyperparameter=name, scale=scale, x=x, level=level)
    by_point = rows.groupby([*KEYS, "scale", "x", "level", "point"], dropna=False)
    table = by_point["value"].agg(["mean", "min", "max", "count"]).join(by_point["broke"].sum())
    table = table.reset_index().rename(
        columns={"min": "low", "max": "high", "count": "n", "broke": "diverged"}
    )
    loss = table["mean"] * np.where(table["direction"] == "maximize", -1, 1)
    best = table.assign(_loss=loss).sort_values(["x", "level", "_loss", "point"])
    ends = declared.ends if declared and scale != "choice" else (math.nan, math.nan)
    best = best.assign(range_low=float(ends[0]), range_high=float(ends[1]))
    return best.drop_duplicates(["x", "level"])[COLUMNS]


def _guess_scale(values: pd.Series) -> str:
    """Guess a scale that is not declared: linear, over more than a decade logarithmic."""
    if values.map(lambda value: isinstance(value, bool | str)).any():
        return "choice"
    return "log" if style.spans_a_decade(pd.to_numeric(values)) else "linear"


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison and hyperparameter; choices and numbers stay apart."""
    rows = table.assign(kind=table["scale"] == "choice")
    return [
        Panel(f"{comparison}: {name}", _draw_chart(here, colours, str(name)), zoom=not choice)
        for (comparison, name, choice), here in rows.groupby(
            ["comparison", "hyperparameter", "kind"], sort=True
        )
    ]


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str], name: str) -> alt.LayerChart:
    names = [entrant for entrant in colours if (table["entrant"] == entrant).any()]
    strip = STRIP * (len(names) + 1)
    height = style.HEIGHT + strip
    choice = bool((table["scale"] == "choice").all())
    scale, axis = (alt.Scale(), alt.Axis(labelAngle=0)) if choice else _fit_x_axis(table)
    x = partial(alt.X, title=name, scale=scale, axis=axis)
    field = "level:N" if choice else "x:Q"
    at = {name: height - STRIP * (i + 0.7) for i, name in enumerate(reversed(names))}
    table = table.assign(strip_y=table["entrant"].map(at))
    layers = [
        *_draw_values(table, colours, x(field), strip / height),
        *_draw_ranges(table, colours, x("range_low:Q"), height),
        *_draw_crosses(table, colours, x(field), height),
    ]
    return style.layer_charts(layers, height).resolve_scale(y="independent")


def _fit_x_axis(table: pd.DataFrame) -> tuple[alt.Scale, alt.Axis]:
    """Fit the axis to all values and declared ranges; logarithmic where one of them is."""
    ends = pd.concat([table["x"], table["range_low"], table["range_high"]]).dropna()
    low, high = style.round_domain(ends.min(), ends.max())
    scale = alt.Scale(domain=[low, high], nice=False, padding=9)
    if not (table["scale"] == "log").any() or low <= 0:
        return scale, alt.Axis(tickCount=6, format="~g")
    scale.type = "log"
    return scale, style.make_log_axis(low, high)


def _draw_values(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, strip: float
) -> list[alt.Chart | alt.LayerChart]:
    """Draw dots, and in a sweep a line with its band."""
    shown = style.sort_for_drawing(table[table["mean"].notna()], colours)
    swept = (shown["phase"] != Phase.SELECT) & (shown["scale"] != "choice")
    band = swept & (shown["entrant"].map(colours) != style.GREY)
    shown = shown.assign(  # in a study other hyperparameters vary with this one: no line
        line=shown["mean"].where(swept),
        band_low=shown["low"].where(band),
        band_high=shown["high"].where(band),
    )
    columns = ["entrant", "x", "level", "mean", "low", "high", "n", "diverged"]
    columns += ["line", "band_low", "band_high"] if swept.any() else []
    source = style.inline_data(shown[columns])
    base = alt.Chart(source).encode(x=x, color=style.encode_colour(colours))
    title = f"val/{table['metric'].iloc[0]}"
    y = partial(alt.Y, title=title, scale=_fit_y_scale(shown, strip))
    details = {name: f"{name}:Q" for name in ("mean", "low", "high", "n", "diverged")}
    dots = base.mark_point(filled=True, size=36, fillOpacity=0.9, clip=True).encode(
        y=y("mean:Q"),
        shape=style.encode_shape(colours),
        tooltip=style.make_tooltip(optimizer="entrant:N", value=str(x.shorthand), **details),
    )
    if not swept.any():
        return [dots]
    line = base.mark_line(clip=True).encode(y=y("line:Q"), strokeDash=style.encode_dash(colours))
    area = base.mark_area(fillOpacity=0.14, clip=True).encode(y=y("band_low:Q"), y2="band_high:Q")
    return [alt.LayerChart(layer=[area, line, dots])]


def _fit_y_scale(shown: pd.DataFrame, strip: float) -> alt.Scale:
    """Fit the data above a strip at the bottom, whose height is a fraction of the panel's."""
    if shown.empty:
        return alt.Scale(domain=[0, 1])
    low, high = float(shown["low"].min()), float(shown["high"].max())
    if style.spans_a_decade(pd.Series([low, high])):
        below = low * (high / low) ** (-strip / (1 - strip))
        return alt.Scale(type="log", domain=style.round_domain(below, 1.1 * high), nice=False)
    room = 0.06 * (high - low) or 0.01
    low, high = low - room, high + room
    below = low - strip * (high - low) / (1 - strip)
    return alt.Scale(domain=style.round_domain(below, high), nice=False)


def _draw_ranges(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, height: float
) -> list[alt.Chart]:
    ranges = table.dropna(subset=["range_low"]).drop_duplicates("entrant")
    if ranges.empty:
        return []
    strip = _make_strip(ranges[["entrant", "range_low", "range_high", "strip_y"]], colours, height)
    tooltip = {"lowest": "range_low:Q", "highest": "range_high:Q"}
    rule = strip.mark_rule(strokeWidth=2, strokeOpacity=0.7)
    return [
        rule.encode(
            x=x, x2="range_high:Q", tooltip=style.make_tooltip(optimizer="entrant:N", **tooltip)
        )
    ]


def _draw_crosses(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, height: float
) -> list[alt.Chart]:
    broken = table[table["diverged"] > 0]
    if broken.empty:
        return []
    strip = _make_strip(broken[["entrant", "x", "level", "diverged", "strip_y"]], colours, height)
    tooltip = {"value": str(x.shorthand), "diverged": "diverged:Q"}
    cross = strip.mark_point(shape="cross", angle=45, size=45, filled=True)
    return [cross.encode(x=x, tooltip=style.make_tooltip(optimizer="entrant:N", **tooltip))]


def _make_strip(table: pd.DataFrame, colours: Mapping[str, str], height: float) -> alt.Chart:
    """Make the base of an entrant's line below the data, placed in pixels from the top."""
    scale = alt.Scale(domain=[height, 0], range=[height, 0])
    return alt.Chart(style.inline_data(table)).encode(
        y=alt.Y("strip_y:Q", axis=None, scale=scale), color=style.encode_colour(colours)
    )
