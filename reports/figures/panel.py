"""Panels: the smallest parts of a figure that stand alone, one view of the page each."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt

Chart = alt.Chart | alt.LayerChart


@dataclass(frozen=True, eq=False)
class Panel:
    """One chart with its title, or one line that says why there is none.

    Attributes:
        title: text from the study, never part of the chart's own specification.
        chart: without title, width or background, which page and paper choose; None: ``note``.
        note: why there is nothing to draw, or what the chart leaves out.
        variant: of a figure with several views of the same data the one this belongs to; the page
            shows one at a time, paper the first.
        zoom: whether the page lets a reader drag and enlarge its axes.
        wide: whether it takes a row of its own.
        last_step: of a chart whose data have a column ``step`` the highest: the page shows them up
            to the step that a reader sets, or as an animation. 0: neither.
        text_from: pixels of width under which the last layer, of text, is left out on the page.
    """

    title: str
    chart: Chart | None
    note: str = ""
    variant: str = ""
    zoom: bool = False
    wide: bool = False
    last_step: int = 0
    text_from: int = 0
