"""Trajectories on landscapes of two parameters: where each optimizer went, step by step.

On the page they are an animation: ``Panel.last_step`` gives it a slider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import altair as alt
import pandas as pd

from bench.spec import Status
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.contours import contours
from reports.figures.panel import Panel
from tasks.landscapes import LANDSCAPES, TASKS, Landscape, Point

TITLE = "Trajectories"
CAPTION = (
    "One trial of each optimizer, at its tuned or selected point: of the lowest seed that all "
    "have, which starts them at one place, near the ring. A diamond is a minimum, a dot the last "
    "place shown, a cross where a trial broke off. Lines of equal value at 1, 2 and 5 times powers "
    "of ten. A trajectory begins where it was first measured."
)
EMPTY = "No task of this study has two parameters."
COLUMNS = [
    *["comparison", "landscape", "entrant", "point", "seed", "n", "broken"],
    *["step", "x", "y", "value"],
]
DRAWN = 400  # points of a trajectory
FOUND = 60  # of them those that a pointer finds
HEIGHT = 300  # pixels
AXIS = alt.Axis(grid=False, tickCount=6, labelFlush=False)
FAR = 1.0  # widths of the picture beyond its edge from which on a line is not continued


def info(study: Study) -> pd.DataFrame:
    """Every place measured of one trial an entrant and comparison, of ``Study.reported``.

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
    chosen = pd.concat(_chosen(own) for _, own in trials.groupby("comparison", sort=True))
    measured = study.curves.pivot(index=["run_id", "step"], columns="metric", values="value")
    places = measured.reindex(columns=["val/x", "val/y", "val/loss"]).dropna(how="all")
    places.columns = pd.Index(["x", "y", "value"])
    places = places.reset_index().astype({"step": float})
    table = chosen[["run_id", *COLUMNS[:7]]].merge(places, on="run_id", how="left")
    return table[COLUMNS]


def _chosen(trials: pd.DataFrame) -> pd.DataFrame:
    """One trial an entrant, of one comparison's: the lowest seed that all have, else its own."""
    counts = trials.groupby("seed")["entrant"].nunique()
    shared = counts.index[counts == trials["entrant"].nunique()]
    trials = trials.assign(
        n=trials.groupby("entrant")["entrant"].transform("size"),
        broken=trials["status"] != Status.FINISHED,
        apart=~trials["seed"].isin(shared),
    )
    return trials.sort_values(["entrant", "apart", "seed"]).drop_duplicates("entrant")


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """One panel a comparison."""
    if not table[["x", "y"]].notna().all(axis=1).any():
        return []
    return [_panel(own, colours) for _, own in table.groupby("comparison", sort=True)]


def _panel(table: pd.DataFrame, colours: Mapping[str, str]) -> Panel:
    title, landscape = str(table["comparison"].iloc[0]), LANDSCAPES[table["landscape"].iloc[0]]
    outside = table.loc[_beyond(table, landscape, 0)].drop_duplicates("entrant")
    unseen = table.loc[table["step"].isna(), "entrant"]
    notes = [
        _seeds(table.drop_duplicates("entrant")),
        _listed("Leaves the picture", _at(outside)),
        _listed("Not drawn, for it was never measured", unseen),
    ]
    note = " ".join(filter(None, notes))
    seen = table.dropna(subset=["step"])
    if seen.empty:
        return Panel(title, None, note)
    last = int(seen["step"].max())
    return Panel(title, _chart(seen, colours, landscape), note, zoom=True, last_step=last)


def _seeds(trials: pd.DataFrame) -> str:
    """``Seed 0, of 10 trials.``, or what differs."""
    found = trials.groupby(["seed", "n"], sort=True)["entrant"].agg(list)
    said = [f"seed {seed} of {n} trial{'s' * (n > 1)}" for seed, n in found.index]
    if len(found) == 1:
        return said[0].capitalize() + "."
    return (
        "; ".join(f"{', '.join(names)}: {one}" for one, names in zip(said, found, strict=True))
        + "."
    )


def _at(rows: pd.DataFrame) -> list[str]:
    return [f"{row.entrant} at step {row.step:.0f}" for row in rows.itertuples()]


def _listed(said: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"{said}: {listed}." if listed else ""


def _beyond(table: pd.DataFrame, landscape: Landscape, widths: float) -> pd.Series:
    """Which places are outside the picture by more than so many of its widths; unknown ones not."""
    outside = pd.Series(False, index=table.index)
    for name, (low, high) in zip("xy", landscape.bounds, strict=True):
        room = widths * (high - low)
        outside |= (table[name] < low - room) | (table[name] > high + room)
    return outside


def _chart(table: pd.DataFrame, colours: Mapping[str, str], landscape: Landscape) -> alt.LayerChart:
    across, up = (alt.Scale(domain=list(ends), nice=False) for ends in landscape.bounds)
    x = alt.X("x:Q", title="x", scale=across, axis=AXIS)
    y = alt.Y("y:Q", title="y", scale=up, axis=AXIS)
    lines = (
        alt.Chart(style.data(contours(landscape)))
        .transform_window(row="row_number()")
        .mark_line(stroke=style.GREY, strokeWidth=0.8, strokeOpacity=0.6, clip=True)
        .encode(detail="line:N", order="row:Q", tooltip=style.tooltip(value="level:Q"))
    )
    layers = [
        lines,
        _mark([landscape.start]).mark_point(shape="circle", color=style.INK, size=70, clip=True),
        _mark(landscape.minima).mark_point(
            shape="diamond", color=style.INK, size=110, filled=True, clip=True
        ),
        *_trajectories(table, colours, landscape),
    ]
    return style.layered([layer.encode(x=x, y=y) for layer in layers], HEIGHT)


def _mark(places: Iterable[Point]) -> alt.Chart:
    return alt.Chart(style.data(pd.DataFrame(places, columns=["x", "y"])))


def _trajectories(
    table: pd.DataFrame, colours: Mapping[str, str], landscape: Landscape
) -> list[alt.Chart]:
    """Lines, their ends, where one broke off, and what a pointer finds."""
    table = table.assign(x=table["x"].mask(_beyond(table, landscape, FAR)))
    shown = style.drawing_order(_thinned(table, DRAWN), colours)
    found = _thinned(shown, FOUND)
    ends = shown[shown["broken"]].dropna(subset=["x", "y"]).drop_duplicates("entrant", keep="last")
    line = _of(shown[["entrant", "step", "x", "y"]], colours)
    layers = [
        line.mark_line(clip=True, strokeWidth=1.6).encode(
            order="step:Q", strokeDash=style.dash(colours, line=True)
        ),
        line.transform_filter("isValid(datum.x)")
        .transform_joinaggregate(last="max(step)", groupby=["entrant"])
        .transform_filter("datum.step == datum.last")
        .mark_point(filled=True, size=55, clip=True),
        _of(found.drop(columns=["comparison", "landscape", "broken"]), colours)
        .mark_point(filled=True, size=70, fillOpacity=0, clip=True)
        .encode(
            tooltip=style.tooltip(
                optimizer="entrant:N",
                point="point:N",
                seed="seed:N",
                **{name: f"{name}:Q" for name in ("step", "x", "y", "value")},
            )
        ),
    ]
    if len(ends):
        cross = _of(ends[["entrant", "step", "x", "y"]], colours)
        layers.append(cross.mark_point(shape="cross", angle=45, size=90, filled=True, clip=True))
    return layers


def _of(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.Chart:
    return alt.Chart(style.data(table)).encode(color=style.colour(colours, line=True))


def _thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    return pd.concat(
        [style.thinned(line, most) for _, line in table.groupby("entrant", sort=False)]
    )
