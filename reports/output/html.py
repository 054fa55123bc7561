"""The HTML page of a report: one file that loads nothing; everything from the store is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.spec import PROTOCOL_VERSION, Status
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.selection import final_values, count_statuses
from reports.analysis.stability import sentences as stability_sentences
from reports.analysis.study import Study
from reports.data.load import describe_filters
from reports.figures.page import Section
from reports.text.answer import answer, counts, sentences
from reports.text.headline import headline
from reports.text.leaderboards import display
from reports.text.numbers import MISSING, number, short, whole
from reports.text.protocol_check import rules
from reports.text.provenance import environments, failures, provenance
from reports.text.standings import standings

IDENTITY = ("optimizer", "row")
DETAILS = (
    *("point", "compared with", "pairs", "p (Holm)", "p sign flip", "seeds to decide"),
    *("statuses", "bad seeds", "seed groups", "test with selection", "IQM [95 %]"),
    *("test split ±", "steps", "seconds to target", "step (ms)"),
)
"""Columns of a leaderboard that stand in the folded part of a page."""

TRIAL_COLUMNS = (
    *("status", "comparison", "optimizer", "point", "seed", "phase", "validation", "test"),
    *("steps to target", "step (ms)"),
)
FILTERS = ("status", "comparison", "optimizer", "phase")


def page(study: Study, figures: Section, files: Sequence[str]) -> str:
    """The page as text.

    Args:
        files: names of the tables beside it, to link to.
    """
    values: dict[str, Any] = {
        "css": _asset("report.css"),
        "script": _asset("tables.js"),
        "study": study.name,
        "reference": study.reference,
        "answer": answer(study),
        "sentences": sentences(study),
        "tiles": counts(study),
        "counts": count_statuses(study.trials),
        "filters": describe_filters(study.filters),
        "sources": study.joined,
        "overall": standings(study),
        "stability": stability_sentences(study.stability),
        "boards": [_board(board) for board in study.leaderboards],
        "files": files,
        "figures": figures,
        "rules": rules(study),
        "trial_columns": TRIAL_COLUMNS,
        **_trials(study.trials),
        "failures": failures(study),
        "broken": int((study.trials["status"] != Status.FINISHED).sum()),
        "provenance": provenance(study),
        "environments": environments(study),
        "protocol": PROTOCOL_VERSION,
    }
    return _filled("report.html.j2", values)


def empty_page(study: str) -> str:
    """The page of a study without trials."""
    return _filled("empty.html.j2", {"css": _asset("report.css"), "study": study})


def _filled(template: str, values: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("reports.output"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _asset(name: str) -> Markup:
    return Markup(resources.files("reports").joinpath("templates", name).read_text("utf-8"))


def _board(board: Leaderboard) -> dict[str, Any]:
    """A leaderboard in two parts: what one looks at, and the rest."""
    cells = display(board)
    verdict = list(board.table["verdict"])
    names = [str(name) for name in cells]
    place = [name for name in IDENTITY if name in names]
    test = [name for name in names if name.startswith("test/")]
    first = [*place, "verdict", *test]  # what a narrow screen shows
    shown = [*first, *(name for name in names if name not in (*first, *DETAILS))]
    folded = [name for name in names if name in DETAILS]
    return {
        "title": board.comparison,
        "headline": headline(board),
        "metric": board.metric,
        "direction": board.direction,
        "target": board.target,
        "rows": _with(verdict, cells[shown]),
        "details": _with(verdict, cells[[*place, *folded]]),
        "notes": board.notes,
    }


def _with(verdicts: Sequence[object], cells: pd.DataFrame) -> list[tuple[Mapping[Any, str], Any]]:
    return list(zip(cells.to_dict("records"), verdicts, strict=True))


def _trials(trials: pd.DataFrame) -> dict[str, Any]:
    """The table of trials and the choices of its filters."""
    table = pd.DataFrame(
        {
            "status": trials["status"],
            "comparison": trials["comparison"],
            "optimizer": trials["entrant"],
            "point": trials["point"],
            "seed": trials["seed"].astype(str),
            "phase": trials["phase"],
            "validation": final_values(trials, "val").map(_value),
            "test": final_values(trials, "test").map(_value),
            "steps to target": trials["steps_to_target"].map(whole).replace(MISSING, ""),
            "step (ms)": trials["step_time_ms"].map(short).replace(MISSING, ""),
        },
        columns=list(TRIAL_COLUMNS),
    )
    anchors = "trial-" + trials["run_id"].str[:8]
    return {
        "trials": [
            {"anchor": anchor, "cells": cells}
            for anchor, cells in zip(anchors, table.to_numpy().tolist(), strict=True)
        ],
        "trial_filters": [
            {
                "name": name,
                "column": TRIAL_COLUMNS.index(name),
                "choices": sorted(table[name].unique()),
            }
            for name in FILTERS
            if table[name].nunique() > 1
        ],
    }


def _value(value: float) -> str:
    """Four decimals, or four significant digits where that is nothing."""
    if math.isnan(value):
        return ""
    return f"{value:.4g}" if 0 < abs(value) < 1e-3 else number(value, 4)
