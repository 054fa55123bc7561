"""Figures of a report: a file each, with ``TITLE``, ``CAPTION``, ``EMPTY``, ``info``, ``plot``.

Another figure is another file with these five and its place in ``FIGURES``. ``info`` takes a
``reports.analysis.study.Study`` and gives a table of numbers; ``plot`` draws that table as a list of
``Panel``, empty where there is nothing to show, which ``EMPTY`` then says in a line.
"""

from __future__ import annotations

import altair as alt

from bench.spec import RefusedInput
from bench.spec.suggest import suggest
from reports.analysis.study import Study
from reports.figures import (
    best_of_k,
    costs,
    default_tuned,
    heatmap,
    learning_curves,
    pairs,
    performance_profile,
    score,
    seeds,
    sensitivity,
    style,
    time_quality,
    to_target,
    trajectories,
)
from reports.figures.paper import concatenated

FIGURES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        score,
        performance_profile,
        pairs,
        heatmap,
        learning_curves,
        trajectories,
        to_target,
        sensitivity,
        best_of_k,
        default_tuned,
        time_quality,
        costs,
        seeds,
    )
}
"""By name, in the order of the page."""

OF_SOME_TASKS = frozenset({"trajectories"})
"""Those that a page without such tasks leaves out, where of any other it says what is missing."""


def draw(study: Study, name: str) -> alt.ConcatChart:
    """One figure of a study as an Altair chart, e.g. to show in a notebook.

    Raises:
        RefusedInput: there is no figure of that name, or the study has nothing to show in it.
    """
    if name not in FIGURES:
        raise RefusedInput(f"figure={name}: no such figure; {suggest(name, FIGURES)}")
    module = FIGURES[name]
    colours = style.palette(study.entrants, study.reference)
    chart = concatenated(module.plot(module.info(study), colours))
    if chart is None:
        raise RefusedInput(f"figure={name}: {module.EMPTY}")
    return chart
