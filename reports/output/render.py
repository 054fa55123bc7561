"""Report of a study in a directory: HTML page, tables and figures (SVG, PNG).

The same records give the same bytes: no clock, no random id, no order but the tables' own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from altair.utils.schemapi import debug_mode

from bench.spec import TrialRecord
from reports.analysis.study import Study
from reports.figures import paper
from reports.figures.embedding import Section, build_section
from reports.figures.registry import FIGURES, OPTIONAL, assign_colours
from reports.figures.rendering import Renderer
from reports.output.exports import write_tables
from reports.output.html import build_empty_page, build_page


def render(study: Study | Sequence[TrialRecord], directory: Path | str) -> Path:
    """Write the report of one study and return the path of its ``index.html``.

    Raises NoTrials for a study without trials; ``render_empty`` writes its page.
    """
    study = study if isinstance(study, Study) else Study.of(study)
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    files = write_tables(study, directory)
    figures, renderer = start_figures(study, directory / "figures")
    index = directory / "index.html"
    index.write_text(build_page(study, figures, files), encoding="utf-8", newline="\n")
    if failed := renderer.wait():
        print(_describe_failed(failed), file=sys.stderr)
    return index


def render_empty(name: str, directory: Path | str) -> Path:
    """Write the page of a study in which nothing has run yet."""
    index = Path(directory, "index.html")
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(build_empty_page(name), encoding="utf-8", newline="\n")
    return index


def start_figures(study: Study, directory: Path) -> tuple[Section, Renderer]:
    """Start to draw figures as ``<name>.svg`` and ``.png``; also return the section of the page.

    A figure with nothing to show is on the page only.
    """
    colours = assign_colours(study)
    drawings, specs = [], {}
    for name, figure in FIGURES.items():
        table = figure.tabulate(study)
        with debug_mode(False):  # checked against the schema in tests; here it is half the time
            panels = figure.plot(table, colours)
            chart = paper.concatenate(panels)
        if panels or name not in OPTIONAL:
            drawings.append((name, figure, panels))
        if chart is not None:
            specs[name] = paper.make_specification(chart)
    renderer = Renderer(specs, directory, paper.VEGA_LITE)
    return build_section(drawings, colours), renderer


def _describe_failed(failed: Mapping[str, str]) -> str:
    """Describe the figures that are left out in a line."""
    reason = next(iter(failed.values()))
    return f"figures: {', '.join(failed)} left out as SVG and PNG ({reason}); all else is written"
