"""Steps and training time to the target: a dot a result, a bar at the median, misses apart."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from reports.analysis.study import Study
from reports.figures import style
from reports.figures.panel import Panel
from reports.stats.to_target import median_to_target

TITLE = "Steps and time to target"
CAPTION = (
    "Steps and training time to the target: one dot a result, a bar at the median with misses as "
    "∞. Misses are counted at the side."
)
EMPTY = "No task of this study has a target value."
LABELS = {"steps_to_target": "training steps", "train_time_to_target_s": "training time (s)"}


def tabulate(study: Study) -> pd.DataFrame:
    """List one row per trial of ``Study.reported``, on tasks with a target; ∞ is a miss.

    Columns: comparison, entrant, seed, metric, target, budget_steps, steps_to_target,
    train_time_to_target_s.
    """
    keys = ["comparison", "entrant", "seed"]
    selected = study.reported
    columns = [*keys, "metric", "target", "budget_steps", *LABELS]
    rows = selected.loc[selected["steps_to_target"].notna(), columns]
    return rows.sort_values(keys, ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw two panels per comparison, steps and time; one line if nobody reached the target."""
    panels = []
    for comparison, here in table.groupby("comparison", sort=True):
        names = _sort_by_median(here)
        first = here.iloc[0]
        goal = f"val/{first['metric']} {first['target']:g}"
        if not np.isfinite(here["steps_to_target"]).any():
            steps = int(here["budget_steps"].max())
            note = f"None of {len(here)} trials reached {goal} within {steps} steps."
            panels.append(Panel(str(comparison), None, note))
            continue
        for column, label in LABELS.items():
            title = f"{comparison}: {label} to {goal}"
            if here[column].notna().any():
                panels.append(Panel(title, _draw_strip(here, names, column, colours)))
            else:
                panels.append(
                    Panel(title, None, "Not measured: trials of a stack share one clock.")
                )
    return panels


def _sort_by_median(table: pd.DataFrame) -> list[str]:
    """Order entrants from top to bottom, the fastest first."""
    medians = {
        str(name): median_to_target(group["steps_to_target"])[0]
        for name, group in table.groupby("entrant")
    }
    return sorted(medians, key=lambda name: (medians[name], name))


def _draw_strip(
    table: pd.DataFrame, names: list[str], column: str, colours: Mapping[str, str]
) -> alt.LayerChart:
    reached = table.loc[np.isfinite(table[column]), ["entrant", "seed", column]]
    reached = reached.rename(columns={column: "value"})
    scale, axis = _fit_axis(reached["value"])
    x = alt.X("value:Q", title=LABELS[column], scale=scale, axis=axis)
    y = style.encode_rows(names)
    dots = alt.Chart(style.inline_data(reached)).mark_point(filled=True, size=45, fillOpacity=0.75)
    layers = [
        dots.encode(
            x=x,
            y=y,
            color=style.encode_colour(colours),
            shape=style.encode_shape(colours),
            tooltip=style.make_tooltip(optimizer="entrant:N", seed="seed:Q", value="value:Q"),
        )
    ]
    total = _summarize(table, column)
    bars = alt.Chart(style.inline_data(total)).mark_tick(thickness=2.5, size=16)
    details = {"median": "value:Q", "reached": "reached:N"}
    tooltip = style.make_tooltip(optimizer="entrant:N", **details)
    layers.append(
        bars.encode(x="value:Q", y=y, color=style.encode_colour(colours), tooltip=tooltip)
    )
    if len(remarks := total[total["remark"] != ""]):
        layers.append(style.write_remarks(remarks, names))
    return style.layer_charts(layers, style.ROW * max(3, len(names)))


def _fit_axis(values: pd.Series) -> tuple[alt.Scale, alt.Axis]:
    """Fit an axis from zero, or a log axis over more than a decade, with room for a remark."""
    low, high = float(values.min()), float(values.max())
    if style.spans_a_decade(values):
        low, top = style.round_domain(0.9 * low, high * (high / low) ** 0.5)
        return alt.Scale(type="log", domain=[low, top], nice=False), style.make_log_axis(low, top)
    domain = style.round_domain(0, 1.5 * high or 1)
    return alt.Scale(domain=domain, nice=False), alt.Axis(tickCount=6)


def _summarize(table: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = []
    for name, values in table.groupby("entrant")[column]:
        median, hits, n = median_to_target(values)
        remark = "not measured" if n == 0 else f"{n - hits} of {n} missed" if hits < n else ""
        finite = median if np.isfinite(median) else np.nan
        rows.append((name, finite, f"{hits} of {n}", remark))
    return pd.DataFrame(rows, columns=["entrant", "value", "reached", "remark"])
