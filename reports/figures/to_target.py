"""Steps and training time to the target: one dot a seed, a bar at the median, misses set apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.style import INK, PANEL_WIDTH, STYLE, grid, plain
from reports.stats.to_target import median_to_target
from reports.study import Study

TITLE = "Steps and time to target"
CAPTION = (
    "Each optimizer at its tuned or selected point: one dot a seed, bar at the median over all "
    "seeds, misses included as ∞ and counted at the side."
)
LABELS = {"steps_to_target": "training steps", "train_time_to_target_s": "training time (s)"}


def info(study: Study) -> pd.DataFrame:
    """One row per seed of each reported point, on tasks that have a target; ∞ is a miss.

    Columns: comparison, entrant, seed, steps_to_target, train_time_to_target_s.
    """
    columns = ["comparison", "entrant", "seed", *LABELS]
    selected = study.reported
    rows = selected.loc[selected["steps_to_target"].notna(), columns]
    return rows.sort_values(columns[:3], ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> Figure | None:
    """Rows: comparisons; left steps, right time. None where no task has a target."""
    comparisons = sorted(table["comparison"].unique())
    if not comparisons:
        return None
    entrants = [table[table["comparison"] == c]["entrant"].nunique() for c in comparisons]
    heights = [0.9 + 0.22 * max(3, n) for n in entrants]
    with mpl.rc_context(STYLE):
        figure, panels = grid(len(comparisons), 2, height_ratios=heights)
        figure.set_size_inches(2 * PANEL_WIDTH, sum(heights))
        for comparison, row in zip(comparisons, panels, strict=True):
            here = table[table["comparison"] == comparison]
            names = _slowest_first(here)
            for axes, column in zip(row, LABELS, strict=True):
                _strip(axes, here, names, column, colours)
            row[0].set_title(plain(comparison))
            row[1].set_yticklabels([])
    return figure


def _slowest_first(table: pd.DataFrame) -> list[str]:
    """Bottom to top: the fewest steps stand on top, in both panels."""
    medians = {
        str(name): median_to_target(group["steps_to_target"])[0]
        for name, group in table.groupby("entrant")
    }
    return sorted(medians, key=lambda name: (-medians[name], name))


def _strip(
    axes: Axes, table: pd.DataFrame, names: Sequence[str], column: str, colours: Mapping[str, str]
) -> None:
    reached = table[np.isfinite(table[column])][column]
    _limits(axes, reached)
    for i, name in enumerate(names):
        values = table.loc[table["entrant"] == name, column]
        median, hits, n = median_to_target(values)
        style: dict[str, Any] = {"color": colours[name], "clip_on": False}
        if hits:  # an empty line without clipping has no extent, which breaks the layout
            axes.plot(
                values[np.isfinite(values)], [i] * hits, "o", ms=5, alpha=0.75, mew=0, **style
            )
        if np.isfinite(median):
            axes.plot([median, median], [i - 0.3, i + 0.3], "-", lw=2, **style)
        if n == 0:
            axes.text(0.01, i, "not measured", transform=axes.get_yaxis_transform(), va="center")
        if hits < n:
            text = f"× {n - hits} of {n} missed"
            axes.text(
                1.02, i, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5
            )
    axes.set(xlabel=f"{LABELS[column]} to target", ylim=(-0.6, len(names) - 0.4))
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)


def _limits(axes: Axes, reached: pd.Series) -> None:
    """From zero where that shows the differences; log over more than a decade."""
    if reached.empty:
        axes.set(xlim=(0, 1), xticks=[])
    elif reached.min() > 0 and reached.max() / reached.min() > 10:
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, 1.05 * reached.max())
