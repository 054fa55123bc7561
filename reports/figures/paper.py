"""Figures for paper and notebook: panels side by side, with titles and a legend of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import altair as alt
import vl_convert

from reports.figures import style
from reports.figures.panel import Panel

COLUMNS = 2
WIDTH = 330  # pixels of a panel
SCALE = 2  # of PNG
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
NO_NETWORK: list[str] = []


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


def render_svg(chart: alt.ConcatChart) -> str:
    """Render transparent SVG, its ink black; the same chart gives the same text."""
    spec = chart.to_dict(validate=False)
    for panel in spec["concat"]:  # without the invisible marks that a pointer finds on the page
        if "layer" in panel:
            shown = [one for one in panel["layer"] if one.get("mark", {}).get("fillOpacity") != 0]
            panel["layer"] = shown
    text = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=NO_NETWORK)
    numbers: dict[str, int] = {}  # Vega counts its clips from the start of the process

    def renumber(match: re.Match[str]) -> str:
        return f"{match[1]}clip{numbers.setdefault(match[2], len(numbers))}"

    return re.sub(r'(id="|url\(#)clip(\d+)', renumber, text)


def render_png(text: str) -> bytes:
    """Render an SVG of ``render_svg`` as PNG on white, ``SCALE`` times its size in pixels."""
    head, end, body = text.partition(">")
    white = '<rect width="100%" height="100%" fill="white"/>'
    return bytes(vl_convert.svg_to_png(head + end + white + body, scale=SCALE))
