"""Trajectories of optimizers on landscapes of two parameters, step by step.

The page animates them: ``Panel.last_step`` gives a slider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import pandas as pd

from bench.spec import Status
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.contours import trace_contours
from reports.figures.panel import Panel
from tasks.landscapes import LANDSCAPES, TASKS, Landscape, Point

TITLE = "Trajectories"
CAPTION = (
    "One trial of each optimizer, from the start near the ring. Diamond: minimum; dot: the last "
    "position; cross: it did not finish. Contours: 1, 2, 5 times powers of ten."
)
EMPTY = "No task of this study has two parameters."
COLUMNS = [
    *["comparison", "landscape", "entrant", "point", "seed", "n", "broken"],
    *["step", "x", "y", "value"],
]
DRAWN = 400  # points of a trajectory
TARGETS = 60  # of them those that a pointer finds
HEIGHT = 300  # pixels
AXIS = alt.Axis(grid=False, tickCount=6, labelFlush=False)
FAR = 1.0  # widths of the picture beyond its edge from which on a line is not continued


def tabulate(study: Study) -> pd.DataFrame:
    """List every position of one trial per entrant and comparison, of ``Study.reported``.

    Columns: comparison, landscape, entrant, point, seed, n (trials that it is chosen of), broken
    (it did not finish), step, x, y, value. A trial that was never measured is one row, its step,
    x, y and value NaN.
    """
    reported = study.reported
    landscape = reported["run_id"].map(
        {run: TASKS.get(config["task"]["target"]) for run, config in study.configs.items()}
    )
    trials = reported.assign(landscape=landscape).dropna(subset=["landscape"])
    if trials.empty:
        return pd.DataFrame(columns=COLUMNS)
    chosen = pd.concat(
        _choose_trials(group) for _, group in trials.groupby("comparison", sort=True)
    )
    measured = study.curves.pivot(index=["run_id", "step"], columns="metric", values="value")
    positions = measured.reindex(columns=["val/x", "val/y", "val/loss"]).dropna(how="all")
    positions.columns = pd.Index(["x", "y", "value"])
    positions = positions.reset_index().astype({"step": float})
    table = chosen[["run_id", *COLUMNS[:7]]].merge(positions, on="run_id", how="left")
    return table[COLUMNS]


def _choose_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Choose one trial per entrant: the lowest seed that all have, else its own lowest."""
    counts = trials.groupby("seed")["entrant"].nunique()
    shared = counts.index[counts == trials["entrant"].nunique()]
    trials = trials.assign(
        n=trials.groupby("entrant")["entrant"].transform("size"),
        broken=trials["status"] != Status.FINISHED,
        apart=~trials["seed"].isin(shared),
    )
    return trials.sort_values(["entrant", "apart", "seed"]).drop_duplicates("entrant")


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison."""
    if not table[["x", "y"]].notna().all(axis=1).any():
        return []
    return [_draw_panel(group, colours) for _, group in table.groupby("comparison", sort=True)]


def _draw_panel(table: pd.DataFrame, colours: Mapping[str, str]) -> Panel:
    title, landscape = str(table["comparison"].iloc[0]), LANDSCAPES[table["landscape"].iloc[0]]
    outside = table.loc[_is_outside(table, landscape, 0)].drop_duplicates("entrant")
    left = [f"{row.entrant} at step {row.step:.0f}" for row in outside.itertuples()]
    unseen = table.loc[table["step"].isna(), "entrant"]
    notes = [
        _describe_seeds(table.drop_duplicates("entrant")),
        _list_names("Leaves the picture", left),
        _list_names("Not drawn, as it was never measured", unseen),
    ]
    note = " ".join(filter(None, notes))
    seen = table.dropna(subset=["step"])
    if seen.empty:
        return Panel(title, None, note)
    last = int(seen["step"].max())
    return Panel(title, _draw_chart(seen, colours, landscape), note, zoom=True, last_step=last)


def _describe_seeds(trials: pd.DataFrame) -> str:
    """Name the seed, ``Seed 0, of 10 trials.``, or each entrant's where they differ."""
    groups = trials.groupby(["seed", "n"], sort=True)["entrant"].agg(list)
    texts = [f"seed {seed} of {n} trial{'s' * (n > 1)}" for seed, n in groups.index]
    if len(groups) == 1:
        return texts[0].capitalize() + "."
    each = (f"{', '.join(names)}: {one}" for one, names in zip(texts, groups, strict=True))
    return "; ".join(each) + "."


def _list_names(text: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"{text}: {listed}." if listed else ""


def _is_outside(table: pd.DataFrame, landscape: Landscape, widths: float) -> pd.Series:
    """Mark positions farther than ``widths`` pictures outside the picture; NaN is inside."""
    outside = pd.Series(False, index=table.index)
    for name, (low, high) in zip("xy", landscape.bounds, strict=True):
        room = widths * (high - low)
        outside |= (table[name] < low - room) | (table[name] > high + room)
    return outside


def _draw_chart(
    table: pd.DataFrame, colours: Mapping[str, str], landscape: Landscape
) -> alt.LayerChart:
    across, up = (alt.Scale(domain=list(ends), nice=False) for ends in landscape.bounds)
    x = alt.X("x:Q", title="x", scale=across, axis=AXIS)
    y = alt.Y("y:Q", title="y", scale=up, axis=AXIS)
    lines = (
        alt.Chart(style.inline_data(trace_contours(landscape)))
        .transform_window(row="row_number()")
        .mark_line(stroke=style.GREY, strokeWidth=0.8, strokeOpacity=0.6, clip=True)
        .encode(detail="line:N", order="row:Q", tooltip=style.make_tooltip(value="level:Q"))
    )
    mark: dict[str, Any] = {"color": style.INK, "clip": True}
    layers = [
        lines,
        _plot_points([landscape.start]).mark_point(shape="circle", size=70, **mark),
        _plot_points(landscape.minima).mark_point(shape="diamond", size=110, filled=True, **mark),
        *_draw_lines(table, colours, landscape),
    ]
    return style.layer_charts([layer.encode(x=x, y=y) for layer in layers], HEIGHT)


def _plot_points(points: Iterable[Point]) -> alt.Chart:
    return alt.Chart(style.inline_data(pd.DataFrame(points, columns=["x", "y"])))


def _draw_lines(
    table: pd.DataFrame, colours: Mapping[str, str], landscape: Landscape
) -> list[alt.Chart]:
    """Draw lines, their ends, crosses where a trial broke off, and targets for the pointer."""
    table = table.assign(x=table["x"].mask(_is_outside(table, landscape, FAR)))
    shown = style.sort_for_drawing(_thin_lines(table, DRAWN), colours)
    targets = _thin_lines(shown, TARGETS)
    ends = shown[shown["broken"]].dropna(subset=["x", "y"]).drop_duplicates("entrant", keep="last")
    values = {name: f"{name}:Q" for name in ("step", "x", "y", "value")}
    line = _make_base(shown[["entrant", "step", "x", "y"]], colours)
    layers = [
        line.mark_line(clip=True, strokeWidth=1.6).encode(
            order="step:Q", strokeDash=style.encode_dash(colours, line=True)
        ),
        line.transform_filter("isValid(datum.x)")
        .transform_joinaggregate(last="max(step)", groupby=["entrant"])
        .transform_filter("datum.step == datum.last")
        .mark_point(filled=True, size=55, clip=True),
        _make_base(targets.drop(columns=["comparison", "landscape", "broken"]), colours)
        .mark_point(filled=True, size=70, fillOpacity=0, clip=True)
        .encode(
            tooltip=style.make_tooltip(
                optimizer="entrant:N", point="point:N", seed="seed:N", **values
            )
        ),
    ]
    if len(ends):
        cross = _make_base(ends[["entrant", "step", "x", "y"]], colours)
        layers.append(cross.mark_point(shape="cross", angle=45, size=90, filled=True, clip=True))
    return layers


def _make_base(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.Chart:
    return alt.Chart(style.inline_data(table)).encode(color=style.encode_colour(colours, line=True))


def _thin_lines(table: pd.DataFrame, most: int) -> pd.DataFrame:
    return pd.concat(
        [style.thin_rows(line, most) for _, line in table.groupby("entrant", sort=False)]
    )
