"""From a study to a directory: HTML page, tables (``reports.exports``), figures (SVG, PNG).

The same records give the same bytes: no clock, no random id, no order but the tables' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.spec import PROTOCOL_VERSION, Status, TrialRecord
from reports.exports import write_tables
from reports.figures import FIGURES, style
from reports.formats import display
from reports.provenance import failures, provenance, versions
from reports.selection import status_counts
from reports.sentences import headline
from reports.study import Study


@dataclass(frozen=True)
class Drawing:
    """One figure as the page needs it."""

    name: str
    title: str
    caption: str
    svg: Markup


def render(study: Study | Sequence[TrialRecord], directory: Path | str) -> Path:
    """Write the report of one study and return the path of its ``index.html``.

    Raises RefusedInput for a study without trials.
    """
    study = study if isinstance(study, Study) else Study.of(study)
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    write_tables(study, directory)
    drawings = write_figures(study, directory / "figures")
    index = directory / "index.html"
    index.write_text(page(study, drawings), encoding="utf-8", newline="\n")
    return index


def write_figures(study: Study, directory: Path) -> list[Drawing]:
    """Every figure that has something to show, as ``<name>.svg`` and ``<name>.png``."""
    colours = style.palette(study.entrants, study.reference)
    drawings = []
    for module in FIGURES:
        figure = module.plot(module.info(study), colours)
        if figure is None:
            continue
        name, text = module.__name__.rpartition(".")[2], style.svg(figure)
        (directory / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        (directory / f"{name}.png").write_bytes(style.png(figure))
        inline = Markup(style.inline(text, module.CAPTION))
        drawings.append(Drawing(name, module.TITLE, module.CAPTION, inline))
    return drawings


def page(study: Study, drawings: Sequence[Drawing]) -> str:
    """The HTML page; everything from the store is escaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    values: dict[str, Any] = {
        "study": study.name,
        "reference": study.reference,
        "counts": status_counts(study.trials),
        "headlines": [headline(board) for board in study.leaderboards],
        "boards": [
            (
                board,
                list(zip(display(board).to_dict("records"), board.rows["verdict"], strict=True)),
            )
            for board in study.leaderboards
        ],
        "drawings": drawings,
        "failures": failures(study),
        "broken": int((study.trials["status"] != Status.FINISHED).sum()),
        "provenance": provenance(study),
        "versions": versions(study),
        "protocol": PROTOCOL_VERSION,
    }
    return environment.get_template("report.html.j2").render(**values)
