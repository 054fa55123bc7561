"""HTML page of a report: one file that loads nothing; everything from the store is escaped."""

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
from reports.analysis.selection import count_statuses, final_values
from reports.analysis.stability import describe_stability
from reports.analysis.study import Study
from reports.data.load import describe_filters
from reports.figures.embedding import Section
from reports.text.answer import count_claims, write_answer, write_sentences
from reports.text.headline import write_headline
from reports.text.leaderboards import display
from reports.text.numbers import MISSING, number, short, whole
from reports.text.procedure import describe_procedure
from reports.text.protocol_check import check_rules
from reports.text.provenance import list_environments, list_failures, list_provenance
from reports.text.settings import list_choices
from reports.text.standings import list_standings

IDENTITY = ("optimizer", "row")
DETAILS = (
    *("point", "compared with", "p (Holm)", "tunings to decide"),
    *("statuses", "bad seeds", "seed groups", "IQM [95 %]"),
    *("test split ±", "steps", "seconds to target", "step (ms)"),
)
"""Columns of a leaderboard that stand in the folded part of a page."""

TRIAL_COLUMNS = (
    *("status", "task", "optimizer", "setting", "seed", "phase", "validation", "test"),
    *("steps to target", "step (ms)"),
)
FILTERS = ("status", "task", "optimizer", "phase")


def build_page(study: Study, figures: Section, files: Sequence[str]) -> str:
    """Build the page as text.

    Args:
        files: names of the tables beside the page, which it links to.
    """
    values: dict[str, Any] = {
        "css": _load_asset("report.css"),
        "script": _load_asset("tables.js"),
        "study": study.name,
        "reference": study.reference,
        "answer": write_answer(study),
        "sentences": write_sentences(study),
        "procedure": describe_procedure(study),
        "tiles": count_claims(study),
        "counts": count_statuses(study.trials),
        "filters": describe_filters(study.filters),
        "sources": study.joined,
        "overall": list_standings(study),
        "stability": describe_stability(study.stability),
        "boards": [_split_board(board) for board in study.leaderboards],
        "choices": list_choices(study),
        "files": files,
        "figures": figures,
        "rules": check_rules(study),
        "trial_columns": TRIAL_COLUMNS,
        **_list_trials(study.trials),
        "failures": list_failures(study),
        "broken": int((study.trials["status"] != Status.FINISHED).sum()),
        "provenance": list_provenance(study),
        "environments": list_environments(study),
        "protocol": PROTOCOL_VERSION,
    }
    return _fill("report.html.j2", values)


def build_empty_page(study: str) -> str:
    """Build the page of a study without trials."""
    return _fill("empty.html.j2", {"css": _load_asset("report.css"), "study": study})


def _fill(template: str, values: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("reports.output"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _load_asset(name: str) -> Markup:
    return Markup(resources.files("reports.output").joinpath("templates", name).read_text("utf-8"))


def _split_board(board: Leaderboard) -> dict[str, Any]:
    """Split a leaderboard: the main columns, and the folded rest."""
    cells = display(board)
    verdict = [row.verdict for row in board.rows]
    names = [str(name) for name in cells]
    identity = [name for name in IDENTITY if name in names]
    test = [name for name in names if name.startswith("test/")]
    first = [*identity, "verdict", *test]  # as much as a narrow screen shows
    shown = [*first, *(name for name in names if name not in (*first, *DETAILS))]
    folded = [name for name in names if name in DETAILS]
    return {
        "title": board.comparison,
        "headline": write_headline(board),
        "metric": board.metric,
        "direction": board.direction,
        "target": board.target,
        "rows": list(zip(cells[shown].to_dict("records"), verdict, strict=True)),
        "details": list(zip(cells[[*identity, *folded]].to_dict("records"), verdict, strict=True)),
        "notes": board.notes,
    }


def _list_trials(trials: pd.DataFrame) -> dict[str, Any]:
    """List trials as a table, with the choices of its filters."""
    table = pd.DataFrame(
        {
            "status": trials["status"],
            "task": trials["comparison"],
            "optimizer": trials["entrant"],
            "setting": trials["point"],
            "seed": trials["seed"].astype(str),
            "phase": trials["phase"],
            "validation": final_values(trials, "val").map(_format_value),
            "test": final_values(trials, "test").map(_format_value),
            "steps to target": trials["steps_to_target"].map(whole).replace(MISSING, ""),
            "step (ms)": trials["step_time_ms"]
            .where(trials["stack_size"].isna())  # of a stack it is a share
            .map(short)
            .replace(MISSING, ""),
        }
    )
    anchors = "trial-" + trials["run_id"].str[:8]
    return {
        "trials": [
            {"anchor": anchor, "cells": cells}
            for anchor, cells in zip(anchors, table.to_numpy().tolist(), strict=True)
        ],
        "trial_filters": [
            {"name": name, "column": TRIAL_COLUMNS.index(name), "choices": choices}
            for name in FILTERS
            if len(choices := sorted(table[name].unique())) > 1
        ],
    }


def _format_value(value: float) -> str:
    """Format to four decimals, or to four significant digits where these are all 0."""
    if math.isnan(value):
        return ""
    return f"{value:.4g}" if 0 < abs(value) < 1e-3 else number(value, 4)
