"""From a study to a directory: HTML page, tables (CSV, Markdown, LaTeX), figures (SVG, PNG).

The same records give the same bytes: no clock, no random id, no order but the tables' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from altair.utils.schemapi import debug_mode
from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.spec import PROTOCOL_VERSION, Status, TrialRecord
from reports.figures import FIGURES, paper, style
from reports.figures.page import Section, section
from reports.formats import as_csv, as_latex, as_markdown, display
from reports.provenance import failures, provenance, versions
from reports.selection import status_counts
from reports.sentences import headline
from reports.study import Study


def render(study: Study | Sequence[TrialRecord], directory: Path | str) -> Path:
    """Write the report of one study and return the path of its ``index.html``.

    Raises RefusedInput for a study without trials.
    """
    study = study if isinstance(study, Study) else Study.of(study)
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    write_tables(study, directory)
    figures = write_figures(study, directory / "figures")
    index = directory / "index.html"
    index.write_text(page(study, figures), encoding="utf-8", newline="\n")
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


def write_figures(study: Study, directory: Path) -> Section:
    """The page's figures; each that has something to show also as ``<name>.svg`` and ``.png``."""
    colours = style.palette(study.entrants, study.reference)
    drawn = []
    for name, module in FIGURES.items():
        table = module.info(study)
        with debug_mode(False):  # checked against the schema in tests; here it is half the time
            panels = module.plot(table, colours)
            chart = paper.concatenated(panels)
        drawn.append((name, module, panels))
        if chart is None:
            continue
        text = paper.svg(chart)
        (directory / f"{name}.svg").write_text(text, encoding="utf-8", newline="\n")
        (directory / f"{name}.png").write_bytes(paper.png(text))
    return section(drawn, colours)


def page(study: Study, figures: Section) -> str:
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
        "figures": figures,
        "failures": failures(study),
        "broken": int((study.trials["status"] != Status.FINISHED).sum()),
        "provenance": provenance(study),
        "versions": versions(study),
        "protocol": PROTOCOL_VERSION,
    }
    return environment.get_template("report.html.j2").render(**values)
