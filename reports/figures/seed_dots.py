"""Every result as a dot, which shows groups that a mean would hide."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from reports.analysis.selection import final_values
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel

TITLE = "Every result"
CAPTION = (
    "Final value on test: one dot a result, which of a tuned optimizer is a whole tuning; at most "
    "60 are drawn. Notice groups. A click leads to the trial."
)
EMPTY = "No reported trial has a value on test."
DRAWN = 60
JITTER = 4  # pixels between three levels, so that equal values show


def tabulate(study: Study) -> pd.DataFrame:
    """List one row per trial of ``Study.reported``.

    Columns: comparison, metric, entrant, seed, trial (first eight of its run_id), status, value
    (final on test; NaN: it did not finish).
    """
    trials = study.reported
    table = trials[["comparison", "metric", "entrant", "seed", "status"]].assign(
        trial=trials["run_id"].str[:8], value=final_values(trials, "test")
    )
    return table.sort_values(["comparison", "entrant", "seed", "trial"], ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel per comparison that has a value."""
    return [
        Panel(str(comparison), _draw_chart(here, colours))
        for comparison, here in table.groupby("comparison", sort=True)
        if here["value"].notna().any()
    ]


def _draw_chart(table: pd.DataFrame, colours: Mapping[str, str]) -> alt.LayerChart:
    names = [name for name in colours if (table["entrant"] == name).any()]
    finished = table.dropna(subset=["value"])
    dots = pd.concat([_thin_by_rank(trials) for _, trials in finished.groupby("entrant")])
    dots = dots.assign(level=dots.groupby("entrant").cumcount() % 3 * JITTER - JITTER)
    source = style.inline_data(dots[["entrant", "seed", "trial", "value", "level"]])
    title = f"test/{table['metric'].iloc[0]}"
    scale, axis = style.fit_axis(finished["value"])
    apart = alt.ExprRef("datum.level")  # a yOffset encoding sorts, by an expression of names
    rows = alt.Chart(source).mark_point(
        filled=True, size=40, fillOpacity=0.75, cursor="pointer", yOffset=apart
    )
    layers = [
        rows.encode(
            x=alt.X("value:Q", title=title, scale=scale, axis=axis),
            y=style.encode_rows(names),
            color=style.encode_colour(colours),
            shape=style.encode_shape(colours),
            tooltip=style.make_tooltip(
                optimizer="entrant:N", seed="seed:Q", value="value:Q", trial="trial:N"
            ),
        )
    ]
    broken = table[table["value"].isna()].groupby("entrant").size()
    if len(broken):
        n = table.groupby("entrant").size()
        texts = [f"{broken[name]} of {n[name]} did not finish" for name in broken.index]
        remarks = pd.DataFrame({"entrant": broken.index, "remark": texts})
        layers.append(style.write_remarks(remarks, names))
    return style.layer_charts(layers, style.ROW * max(3, len(names)))


def _thin_by_rank(trials: pd.DataFrame) -> pd.DataFrame:
    if len(trials) <= DRAWN:
        return trials
    return style.thin_rows(trials.sort_values("value", kind="stable"), DRAWN)
