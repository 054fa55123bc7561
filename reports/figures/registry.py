"""Every figure by its public name, which is also the name of its exported files."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from bench.spec import RefusedInput
from bench.spec.suggest import suggest
from reports.analysis.study import Study
from reports.figures import (
    best_of_k_curves,
    default_tuned,
    heatmap,
    learning_curves,
    pairs_matrix,
    performance_profile,
    score_forest,
    seed_dots,
    sensitivity,
    step_costs,
    style,
    time_quality,
    to_target_dots,
    trajectories,
)
from reports.figures.figure import Figure
from reports.figures.paper import concatenate

FIGURES: Mapping[str, Figure] = {
    "score": score_forest,
    "performance_profile": performance_profile,
    "pairs": pairs_matrix,
    "heatmap": heatmap,
    "learning_curves": learning_curves,
    "trajectories": trajectories,
    "to_target": to_target_dots,
    "sensitivity": sensitivity,
    "best_of_k": best_of_k_curves,
    "default_tuned": default_tuned,
    "time_quality": time_quality,
    "costs": step_costs,
    "seeds": seed_dots,
}
"""In the order of the page."""

OPTIONAL = frozenset({"trajectories"})
"""Figures of some tasks only: without such tasks the page leaves them out without a line."""


def assign_colours(study: Study) -> dict[str, str]:
    """Map each entrant of a study to its colour; the reference is drawn in ink.

    Of a reference that ran under several schedules the first in the report's order is in ink.
    """
    trials = study.trials
    named = set(trials.loc[trials["optimizer"] == study.reference, "entrant"])
    reference = next((name for name in study.entrants if name in named), "")
    return style.assign_colours(study.entrants, reference)


def draw_figure(study: Study, name: str) -> alt.ConcatChart:
    """Draw one figure of a study as an Altair chart, e.g. to show in a notebook.

    Raises:
        RefusedInput: there is no figure of that name, or the study has nothing to show in it.
    """
    if name not in FIGURES:
        raise RefusedInput(f"figure={name}: no such figure; {suggest(name, FIGURES)}")
    figure = FIGURES[name]
    colours = assign_colours(study)
    chart = concatenate(figure.plot(figure.tabulate(study), colours))
    if chart is None:
        raise RefusedInput(f"figure={name}: {figure.EMPTY}")
    return chart
