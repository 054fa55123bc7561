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
    "Final validation metric against each hyperparameter tried: in a study one dot a point of the "
    "search space, in a sweep the mean over finished seeds with a band from worst to best. Lines "
    "below: the range that was declared for each optimizer; a cross on one: a seed diverged there, "
    "and the dot above it shows the survivors. Where a name says 1 − β, so does its axis."
)
EMPTY = "Nobody tried two values of a hyperparameter."
KEYS = ["comparison", "metric", "direction", "entrant", "phase", "hyperparameter"]
COLUMNS = [
    *[*KEYS, "scale", "x", "level", "mean", "low", "high", "n", "diverged"],
    *["range_low", "range_high"],
]
STRIP = 9  # pixels of an entrant's line below the data


def info(study: Study) -> pd.DataFrame:
    """One row per comparison, entrant, hyperparameter and value, where at least two were tried.

    Trials that select, of a study; of a sweep those that explore.
    Columns: comparison, metric, direction, entrant, phase, hyperparameter (``1 − betas.1`` where
    that is what was declared), scale (log, linear, choice), x (NaN of a choice), level (the value
    as text, of a choice), mean, low, high (range over seeds), n (finished), diverged, range_low and
    range_high (as declared; NaN where nothing was). Where other hyperparameters varied too, the
    best point at a value stands.
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
                found.append(_values(own, column, declared.get(name)))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _values(own: pd.DataFrame, column: str, declared: Dimension | None) -> pd.DataFrame:
    """What one entrant tried of one hyperparameter."""
    rows = own[own[column].notna()]
    scale = declared.scale if declared else _scale_of(rows[column])
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


def _scale_of(values: pd.Series) -> str:
    """Where nothing declares it: numbers are linear, over more than a decade logarithmic."""
    if values.map(lambda value: isinstance(value, bool | str)).any():
        return "choice"
    numbers = pd.to_numeric(values)
    return "log" if style.spans_a_decade(numbers) else "linear"


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Per comparison one panel a hyperparameter; choices and numbers of one name apart."""
    rows = table.assign(kind=table["scale"] == "choice")
    return [
        Panel(f"{comparison}: {name}", _chart(here, colours, str(name)), zoom=not choice)
        for (comparison, name, choice), here in rows.groupby(
            ["comparison", "hyperparameter", "kind"], sort=True
        )
    ]


def _chart(table: pd.DataFrame, colours: Mapping[str, str], name: str) -> alt.LayerChart:
    names = [entrant for entrant in colours if (table["entrant"] == entrant).any()]
    strip = STRIP * (len(names) + 1)
    height = style.HEIGHT + strip
    choice = bool((table["scale"] == "choice").all())
    scale, axis = (alt.Scale(), alt.Axis(labelAngle=0)) if choice else _x_axis(table)
    x = partial(alt.X, title=name, scale=scale, axis=axis)
    field = "level:N" if choice else "x:Q"
    at = {name: height - STRIP * (i + 0.7) for i, name in enumerate(reversed(names))}
    table = table.assign(place=table["entrant"].map(at))
    layers = [
        *_measured(table, colours, x(field), strip / height),
        *_declared(table, colours, x("range_low:Q"), height),
        *_diverged(table, colours, x(field), height),
    ]
    return style.layered(layers, height).resolve_scale(y="independent")


def _x_axis(table: pd.DataFrame) -> tuple[alt.Scale, alt.Axis]:
    """All values and declared ranges; logarithmic where one of them is."""
    ends = pd.concat([table["x"], table["range_low"], table["range_high"]]).dropna()
    low, high = style.domain(ends.min(), ends.max())
    scale = alt.Scale(domain=[low, high], nice=False, padding=9)
    if not (table["scale"] == "log").any() or low <= 0:
        return scale, alt.Axis(tickCount=6, format="~g")
    scale.type = "log"
    return scale, style.log_ticks(low, high)


def _measured(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, strip: float
) -> list[alt.Chart | alt.LayerChart]:
    """What was measured: dots, and in a sweep a line with its band."""
    shown = style.drawing_order(table[table["mean"].notna()], colours)
    swept = (shown["phase"] != Phase.SELECT) & (shown["scale"] != "choice")
    band = swept & (shown["entrant"].map(colours) != style.GREY)
    shown = shown.assign(  # in a study other hyperparameters vary with this one: no line
        line=shown["mean"].where(swept),
        band_low=shown["low"].where(band),
        band_high=shown["high"].where(band),
    )
    columns = ["entrant", "x", "level", "mean", "low", "high", "n", "diverged"]
    columns += ["line", "band_low", "band_high"] if swept.any() else []
    base = alt.Chart(style.data(shown[columns])).encode(x=x, color=style.colour(colours))
    title, scale = f"val/{table['metric'].iloc[0]}", _y_scale(shown, strip)

    def y(field: str) -> alt.Y:
        return alt.Y(field, title=title, scale=scale)

    details = {name: f"{name}:Q" for name in ("mean", "low", "high", "n", "diverged")}
    dots = base.mark_point(filled=True, size=36, fillOpacity=0.9, clip=True).encode(
        y=y("mean:Q"),
        shape=style.shape(colours),
        tooltip=style.tooltip(optimizer="entrant:N", value=str(x.shorthand), **details),
    )
    if not swept.any():
        return [dots]
    line = base.mark_line(clip=True).encode(y=y("line:Q"), strokeDash=style.dash(colours))
    area = base.mark_area(fillOpacity=0.14, clip=True).encode(y=y("band_low:Q"), y2="band_high:Q")
    return [alt.LayerChart(layer=[area, line, dots])]


def _y_scale(shown: pd.DataFrame, strip: float) -> alt.Scale:
    """The range of the data above a strip at the bottom, which is a part of the height."""
    if shown.empty:
        return alt.Scale(domain=[0, 1])
    low, high = float(shown["low"].min()), float(shown["high"].max())
    if style.spans_a_decade(pd.Series([low, high])):
        below = low * (high / low) ** (-strip / (1 - strip))
        return alt.Scale(type="log", domain=style.domain(below, 1.1 * high), nice=False)
    room = 0.06 * (high - low) or 0.01
    low, high = low - room, high + room
    below = low - strip * (high - low) / (1 - strip)
    return alt.Scale(domain=style.domain(below, high), nice=False)


def _place(height: float) -> alt.Y:
    """An entrant's line below the data, in pixels from the top whatever the data's own scale."""
    return alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[height, 0], range=[height, 0]))


def _declared(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, height: float
) -> list[alt.Chart]:
    ranges = table.dropna(subset=["range_low"]).drop_duplicates("entrant")
    if ranges.empty:
        return []
    source = style.data(ranges[["entrant", "range_low", "range_high", "place"]])
    details = {"lowest": "range_low:Q", "highest": "range_high:Q"}
    rule = (
        alt.Chart(source)
        .mark_rule(strokeWidth=2, strokeOpacity=0.7)
        .encode(
            x=x,
            x2="range_high:Q",
            y=_place(height),
            color=style.colour(colours),
            tooltip=style.tooltip(optimizer="entrant:N", **details),
        )
    )
    return [rule]


def _diverged(
    table: pd.DataFrame, colours: Mapping[str, str], x: alt.X, height: float
) -> list[alt.Chart]:
    broken = table[table["diverged"] > 0]
    if broken.empty:
        return []
    source = style.data(broken[["entrant", "x", "level", "diverged", "place"]])
    details = {"value": str(x.shorthand), "diverged": "diverged:Q"}
    cross = (
        alt.Chart(source)
        .mark_point(shape="cross", angle=45, size=45, filled=True)
        .encode(
            x=x,
            y=_place(height),
            color=style.colour(colours),
            tooltip=style.tooltip(optimizer="entrant:N", **details),
        )
    )
    return [cross]
