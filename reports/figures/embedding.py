"""Figures embedded in the page: one specification per panel, each table of data once.

A panel takes the width of its place, the page's text colour and one legend for all (the chips),
which sets ``hidden``, a parameter of every view: the names of entrants that a reader switched off.
``until``, a parameter of those with steps, is the last one shown; a slider of the figure sets it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import vl_convert
from joblib import Memory
from markupsafe import Markup

from reports.figures import style
from reports.figures.figure import Figure
from reports.figures.panel import Panel
from reports.figures.paper import VEGA_LITE

HIDDEN = {"name": "hidden", "value": []}
UNTIL = "until"
SHOWN = {"filter": "indexof(hidden, datum.entrant) < 0"}
SO_FAR = {"filter": "datum.step <= until"}
ZOOM = {  # the wheel alone scrolls the page
    "name": "zoom",
    "select": {
        "type": "interval",
        "zoom": "wheel![event.ctrlKey || event.metaKey]",
        "translate": "[pointerdown[event.pointerType === 'mouse'], window:pointerup]"
        " > window:pointermove!",
    },
    "bind": "scales",
}
EXPORTED = "window.vegaEmbed = vegaEmbed;"
LEGENDS = {"color", "shape", "strokeDash"}

Drawing = tuple[str, Figure, Sequence[Panel]]


@dataclass(frozen=True)
class View:
    """Place of a panel on the page; ``id`` names its element, empty if there is only the note."""

    id: str
    title: str
    note: str
    variant: str
    wide: bool


@dataclass(frozen=True)
class EmbeddedFigure:
    """One figure of the page; without views ``empty`` says why.

    Attributes:
        last_step: last position of its slider; 0: it has none.
    """

    name: str
    title: str
    caption: str
    empty: str
    last_step: int
    views: tuple[View, ...]

    @property
    def variants(self) -> list[str]:
        return [name for name in dict.fromkeys(view.variant for view in self.views) if name]


@dataclass(frozen=True)
class Section:
    """Values that ``figures.html.j2`` shows.

    Attributes:
        colours: of the chips, entrant → colour.
        payload: plain data for the script: config, specifications by the id of their view,
            tables of data by their digest, scales of entrants by their channel.
        scripts: Vega with Vega-Lite, and ours.
    """

    figures: tuple[EmbeddedFigure, ...]
    colours: Mapping[str, str]
    payload: Mapping[str, Any]
    scripts: Sequence[Markup]


def build_section(drawings: Iterable[Drawing], colours: Mapping[str, str]) -> Section:
    """Build the section of all figures, given with their public names and their panels."""
    figures: list[EmbeddedFigure] = []
    specs: dict[str, Any] = {}
    tables: dict[str, str] = {}
    scales: dict[str, Any] = {}
    for name, figure, panels in drawings:
        views = []
        for i, panel in enumerate(panels):
            at = f"{name}-{i}" if panel.chart is not None else ""
            views.append(View(at, panel.title, panel.note, panel.variant, panel.wide))
            if at:
                description = f"{figure.TITLE}. {panel.title}"
                specs[at] = build_specification(panel, description, tables, scales)
        last = max((panel.last_step for panel in panels), default=0)
        words = (figure.TITLE, figure.CAPTION, figure.EMPTY)
        figures.append(EmbeddedFigure(name, *words, last, tuple(views)))
    payload = {"config": style.CONFIG, "specs": specs, "tables": tables, "scales": scales}
    script = files("reports.output").joinpath("templates", "figures.js").read_text("utf-8")
    return Section(tuple(figures), colours, payload, (load_library(), _inline(script)))


def build_specification(
    panel: Panel, description: str, tables: dict[str, str], scales: dict[str, Any]
) -> dict[str, Any]:
    """Build one view's Vega-Lite; its data move into ``tables`` and leave their digest behind."""
    assert panel.chart is not None
    spec: dict[str, Any] = panel.chart.to_dict(validate=False)
    for key in ("$schema", "config"):
        spec.pop(key, None)
    spec |= {"width": "container", "description": description}
    spec["params"] = [HIDDEN, *spec.get("params", [])]
    filters = {"entrant": SHOWN}
    if panel.last_step:
        spec["params"].append({"name": UNTIL, "value": panel.last_step})
        filters["step"] = SO_FAR
    _adapt(spec, filters, tables, scales)
    if panel.text_from:
        spec["layer"][-1]["mark"]["opacity"] = {"expr": f"width < {panel.text_from} ? 0 : 1"}
    if panel.zoom:
        _clip(spec)
        first = spec
        while "layer" in first:
            first = first["layer"][0]
        first["params"] = [*first.get("params", []), ZOOM]
    return spec


def _adapt(
    spec: dict[str, Any],
    filters: dict[str, dict[str, str]],
    tables: dict[str, str],
    scales: dict[str, Any],
) -> None:
    """Remove legends, and filter each table by those of its columns that have a filter.

    Scales of entrants are the same in all layers of all views: they move into ``scales``.
    """
    for channel in LEGENDS & spec.get("encoding", {}).keys():
        encoding = spec["encoding"][channel]
        encoding["legend"] = None
        if encoding.get("field") == "entrant":
            scales[channel] = encoding["scale"]
            encoding["scale"] = channel
    if "data" in spec:
        text = spec["data"].pop("values")
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        tables[name] = text
        spec["data"]["name"] = name
        left = [one for column, one in filters.items() if column in spec["data"]["format"]["parse"]]
        spec["transform"] = [*left, *spec.get("transform", [])]
    for layer in spec.get("layer", []):
        _adapt(layer, filters, tables, scales)


def _clip(spec: dict[str, Any]) -> None:
    """Clip marks, so that a zoom moves none of them out of the axes."""
    if "mark" in spec:
        spec["mark"]["clip"] = True
    for layer in spec.get("layer", []):
        _clip(layer)


@lru_cache(maxsize=1)
def load_library() -> Markup:
    """Load Vega, Vega-Lite and Vega-Embed as one script; nothing is fetched.

    It is the same for all reports and takes seconds to bundle, so it is cached on disk:
    ``OPTBENCH_CACHE`` names the folder, by default ``~/.cache/optbench``.
    """
    folder = os.environ.get("OPTBENCH_CACHE") or Path.home() / ".cache" / "optbench"
    versions = (EXPORTED, VEGA_LITE, version("vl-convert-python"))
    try:
        return _inline(Memory(folder, verbose=0).cache(_bundle)(*versions))
    except OSError:  # the folder cannot be written
        return _inline(_bundle(*versions))


def _bundle(snippet: str, vega_lite: str, vl_convert_version: str) -> str:
    """Bundle the scripts; the last argument is there for the cache, which finds by arguments."""
    return vl_convert.javascript_bundle(snippet, vega_lite)


def _inline(code: str) -> Markup:
    """Escape code for ``<script>``, which must not look closed in the middle of a string."""
    closed = re.sub(r"</(?=script)", r"<\/", code, flags=re.IGNORECASE)
    return Markup(closed.replace("<!--", r"\x3c!--"))  # code of ours, no text from a study
