"""How every figure looks: one colour per entrant throughout a report, direct labels, plain axes.

Colours are Okabe and Ito's colour-blind safe set without its yellow, which vanishes on white.
The reference is drawn in the text colour. Beyond the palette's length entrants are grey: more hues
than about seven cannot be told apart, and the leaderboard names everyone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#1b1e23"  # text and axes; becomes the page's own text colour in HTML
GREY = "#9aa0a6"
OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7"]
PANEL_WIDTH, PANEL_HEIGHT = 4.6, 2.9  # inches
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "optbench",
}


def palette(entrants: Sequence[str], reference: str = "adam") -> dict[str, str]:
    """Entrant → colour, from the report's order (the reference first, then by position)."""
    others = [name for name in entrants if name != reference]
    colours = OKABE_ITO + [GREY] * len(others)
    return {reference: INK} | dict(zip(others, colours, strict=False))


def grid(rows: int, columns: int, **options: Any) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of equal panels; no pyplot, so no state outlives it."""
    figure = Figure(figsize=(PANEL_WIDTH * columns, PANEL_HEIGHT * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [list(row) for row in figure.subplots(rows, columns, squeeze=False, **options)]


def panels_of(count: int, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure of ``count`` equal panels in rows of at most ``columns``."""
    columns = min(columns, count)
    figure, rows = grid(-(-count // columns), columns)
    panels = [axes for row in rows for axes in row]
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def validation_panels(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    panel: Callable[[Axes, pd.DataFrame, Mapping[str, str]], None],
    xlabel: str,
) -> Figure | None:
    """One panel a comparison with its validation metric upwards; None of an empty table.

    Args:
        table: with columns ``comparison`` and ``metric``.
        panel: draws one comparison's part of it.
    """
    comparisons = sorted(table["comparison"].unique())
    if not comparisons:
        return None
    with mpl.rc_context(STYLE):
        figure, panels = panels_of(len(comparisons))
        for comparison, axes in zip(comparisons, panels, strict=True):
            here = table[table["comparison"] == comparison]
            panel(axes, here, colours)
            metric = plain(f"val/{here['metric'].iloc[0]}")
            axes.set(title=plain(comparison), xlabel=xlabel, ylabel=metric)
    return figure


def plain(text: str) -> str:
    """Text from a study as matplotlib draws it literally: a dollar sign would start mathematics."""
    return text.replace("$", r"\$")


def drawing_order(table: pd.DataFrame, colours: Mapping[str, str]) -> list[str]:
    """Entrants of ``table``, the most important last and so on top."""
    present = set(table["entrant"])
    return [name for name in reversed(list(colours)) if name in present]


def label_ends(axes: Axes, ends: Mapping[str, float], colours: Mapping[str, str]) -> None:
    """Name each line beside the panel at the height of its end, pushed apart where names overlap.

    ``ends``: entrant → y of its last point in data coordinates. Call it when scale and limits
    are final. Grey lines stay unnamed.
    """
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    x = axes.get_xlim()[1]
    height = {
        name: min(1.0, max(0.0, float(to_axes.transform((x, y))[1])))
        for name, y in ends.items()
        if colours[name] != GREY
    }
    names = sorted(height, key=lambda name: (height[name], name))
    places = _spread([height[name] for name in names], gap=0.08)
    for name, place in zip(names, places, strict=True):
        axes.annotate(
            plain(name),
            xy=(1.0, place),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            color=colours[name],
            va="center",
            fontsize=8.5,
            fontweight="bold" if colours[name] == INK else "normal",
        )


def svg(figure: Figure) -> str:
    """The figure as SVG text, transparent, without date or random ids."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    """The figure as PNG at 150 dpi on white."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, facecolor="white")
    return buffer.getvalue()


def inline(text: str, alt: str) -> str:
    """SVG text for use inside HTML: in the page's text colour, scaling, described by ``alt``."""
    body = text[text.index("<svg") :].replace(INK, "currentColor")
    used = set(re.findall(r"#([\w.-]+)", body))
    body = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', body)[:2]
    body = body.replace(f'height="{height}pt"', "", 1)
    style = f'role="img" aria-label="{escape(alt)}" style="max-width: {1.2 * float(width):.0f}pt"'
    return body.replace(f'width="{width}pt"', f'width="100%" {style}', 1)


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Sorted places moved as little as needed to be ``gap`` apart and inside 0 … 1, if they fit."""
    spread = list(places)
    for _ in range(50):
        for i in range(1, len(spread)):
            overlap = gap - (spread[i] - spread[i - 1])
            if overlap > 1e-9:
                spread[i - 1] -= overlap / 2
                spread[i] += overlap / 2
        if spread:
            shift = min(0.0, 1.0 - spread[-1]) or max(0.0, -spread[0])
            spread = [place + shift for place in spread]
    return spread
