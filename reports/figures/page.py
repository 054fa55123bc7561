"""The figures as the page needs them: one specification a panel, each table of data once.

A panel takes the width of its place, the page's text colour and one legend for all (the chips),
which sets ``hidden``, a parameter of every view: the names of entrants that a reader switched off.
``until``, a parameter of those with steps, is the last one shown; a slider of the figure sets it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import vl_convert
from markupsafe import Markup

from reports.figures import style
from reports.figures.panel import Panel
from reports.figures.paper import VEGA_LITE
from tasks.data.io.cache import text as kept_text

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


@dataclass(frozen=True)
class View:
    """Where a panel goes; ``id`` is that of its element, empty where there is only the note."""

    id: str
    title: str
    note: str
    variant: str
    wide: bool


@dataclass(frozen=True)
class Figure:
    """One figure of the page; without views ``empty`` says why.

    Attributes:
        last_step: where its slider ends; 0: it has none.
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
    """Everything of ``figures.html.j2``.

    Attributes:
        colours: of the chips, entrant → colour.
        payload: what the script reads, as plain data for JSON: config, specifications by the id
            of their view, tables of data by their digest, scales of entrants by their channel.
        scripts: Vega with Vega-Lite, and ours.
    """

    figures: tuple[Figure, ...]
    colours: Mapping[str, str]
    payload: Mapping[str, Any]
    scripts: Sequence[Markup]


Drawn = tuple[str, Any, Sequence[Panel]]


def section(drawn: Iterable[Drawn], colours: Mapping[str, str]) -> Section:
    """The section from ``(name, module, panels)`` of every figure."""
    figures: list[Figure] = []
    specs: dict[str, Any] = {}
    tables: dict[str, str] = {}
    scales: dict[str, Any] = {}
    for name, module, panels in drawn:
        views = []
        for i, panel in enumerate(panels):
            at = f"{name}-{i}" if panel.chart is not None else ""
            views.append(View(at, panel.title, panel.note, panel.variant, panel.wide))
            if at:
                description = f"{module.TITLE}. {panel.title}"
                specs[at] = specification(panel, description, tables, scales)
        last = max((panel.last_step for panel in panels), default=0)
        words = (module.TITLE, module.CAPTION, module.EMPTY)
        figures.append(Figure(name, *words, last, tuple(views)))
    payload = {"config": style.CONFIG, "specs": specs, "tables": tables, "scales": scales}
    return Section(tuple(figures), colours, payload, (library(), script()))


def specification(
    panel: Panel, description: str, tables: dict[str, str], scales: dict[str, Any]
) -> dict[str, Any]:
    """One view's Vega-Lite; its data move into ``tables`` and leave their digest behind."""
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
    """Without legends, and of each table only what the filters of its columns leave.

    Scales that list every entrant, the same in all layers of all views, move into ``scales``.
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
    """What a reader's zoom moves out of the axes is not drawn beside them."""
    if "mark" in spec:
        spec["mark"]["clip"] = True
    for layer in spec.get("layer", []):
        _clip(layer)


@lru_cache(maxsize=1)
def library() -> Markup:
    """Vega, Vega-Lite and Vega-Embed in one text, from vl-convert: nothing is fetched.

    It is the same for all reports and takes seconds to put together.
    """
    versions = {
        "vl-convert": version("vl-convert-python"),
        "vega-lite": VEGA_LITE,
        "ours": EXPORTED,
    }
    make = partial(vl_convert.javascript_bundle, EXPORTED, VEGA_LITE)
    return _inline(kept_text("vega", (), versions, make))


def script() -> Markup:
    return _inline((files("reports") / "templates" / "figures.js").read_text(encoding="utf-8"))


def _inline(code: str) -> Markup:
    """Code inside ``<script>``, which must not look closed in the middle of a string."""
    closed = re.sub(r"</(?=script)", r"<\/", code, flags=re.IGNORECASE)
    return Markup(closed.replace("<!--", r"\x3c!--"))  # code of ours, no text from a study
