"""From a study to a directory: HTML page, tables (``reports.output.exports``), figures (SVG, PNG).

The same records give the same bytes: no clock, no random id, no order but the tables' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from altair.utils.schemapi import debug_mode

from bench.spec import TrialRecord
from reports.analysis.study import Study
from reports.figures import FIGURES, OF_SOME_TASKS, paper, style
from reports.figures.page import Section, section
from reports.output.exports import write_tables
from reports.output.html import empty_page, page


def render(study: Study | Sequence[TrialRecord], directory: Path | str) -> Path:
    """Write the report of one study and return the path of its ``index.html``.

    Raises NoTrials for a study without trials; ``render_empty`` writes its page.
    """
    study = study if isinstance(study, Study) else Study.of(study)
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    files = write_tables(study, directory)
    figures = write_figures(study, directory / "figures")
    index = directory / "index.html"
    index.write_text(page(study, figures, files), encoding="utf-8", newline="\n")
    return index


def render_empty(name: str, directory: Path | str) -> Path:
    """The page of a study in which nothing has run yet, which says so."""
    index = Path(directory, "index.html")
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(empty_page(name), encoding="utf-8", newline="\n")
    return index


def write_figures(study: Study, directory: Path) -> Section:
    """The page's figures; each that has something to show also as ``<name>.svg`` and ``.png``."""
    colours = style.palette(study.entrants, study.reference)
    drawn = []
    for name, module in FIGURES.items():
        table = module.info(study)
        with debug_mode(False):  # checked against the schema in tests; here it is half the time
            panels = module.plot(table, colours)
            chart = paper.concatenated(panels)
        if panels or name not in OF_SOME_TASKS:
            drawn.append((name, module, panels))
        if chart is None:
            continue
        text = paper.svg(chart)
        (directory / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        (directory / f"{name}.png").write_bytes(paper.png(text))
    return section(drawn, colours)
