"""Figures for paper and notebook: panels side by side, with titles and a legend of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reports.figures import rendering, style
from reports.figures.panel import Panel

COLUMNS = 2
WIDTH = 330  # pixels of a panel
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])


def concatenate(panels: Sequence[Panel]) -> alt.ConcatChart | None:
    """Join the charts of the first variant; None where no panel has a chart."""
    drawn = [(panel, panel.chart) for panel in panels if panel.chart is not None]
    if not drawn:
        return None
    charts = [
        chart.properties(title=panel.title, width=WIDTH * (2 if panel.wide else 1))
        for panel, chart in drawn
        if panel.variant == drawn[0][0].variant
    ]
    return alt.concat(*charts, columns=COLUMNS, config=alt.Config(**style.CONFIG))


def make_specification(chart: alt.ConcatChart) -> dict[str, Any]:
    """Make the specification of a chart on paper, which ``rendering`` draws."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for panel in spec["concat"]:
        _drop_targets(panel)
    return spec


def render_svg(chart: alt.ConcatChart) -> str:
    """Render a chart as ``rendering.render_svg`` does, in this process."""
    return rendering.render_svg(make_specification(chart), VEGA_LITE)


def _drop_targets(spec: dict[str, Any]) -> None:
    """Drop the invisible marks that a pointer finds on the page."""
    if "layer" in spec:
        shown = [one for one in spec["layer"] if one.get("mark", {}).get("fillOpacity") != 0]
        spec["layer"] = shown
