"""From a study to a directory: HTML page, tables (CSV, Markdown, LaTeX), figures (SVG, PNG).

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
from reports.figures import FIGURES, style
from reports.formats import as_csv, as_latex, as_markdown, display
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
    files = write_tables(study, directory)
    figures = write_figures(study, directory / "figures")
    index = directory / "index.html"
    index.write_text(page(study, figures, files), encoding="utf-8", newline="\n")
    return index


def write_tables(study: Study, directory: Path) -> None:
    """``trials.csv``, ``curves.csv``, ``best_of_k.csv``, ``leaderboard.csv``, ``.md``, ``.tex``."""
    frames = {"trials": study.trials, "curves": study.curves, "best_of_k": study.best_of_k}
    texts = {
        **{
            f"{name}.csv": frame.to_csv(index=False, lineterminator="\n")
            for name, frame in frames.items()
        },
        "leaderboard.csv": as_csv(study.leaderboards),
        "leaderboard.md": as_markdown(study.leaderboards),
        "leaderboard.tex": as_latex(study.leaderboards),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


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


