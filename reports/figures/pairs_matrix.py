"""All pairs over all tasks: probability of improvement, wins, ties and losses, adjusted p.

Source: Ismail-Fawaz et al. 2023, arXiv:2305.11921 (the multi-comparison matrix).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.figures import style
from reports.figures.matrix import BREAK, END, draw_matrix
from reports.figures.panel import Panel
from reports.stats.intervals import Interval
from reports.text.effects import format_improvement, format_level

TITLE = "Pairwise comparisons"
CAPTION = (
    "Row against column over common tasks: how often the row's result is the better one; tasks "
    "won–tied–lost; p after Holm's correction. A colour means that a difference is shown."
)
MANY = 20  # entrants, beyond whom the pointer tells the numbers
EMPTY = "There are no two optimizers to compare."
BLANK = "–"
TEXT = 46  # pixels that a cell's text takes
FAINTEST = 0.2  # log2, of a difference that is shown: a paler cell would look empty


def tabulate(study: Study) -> pd.DataFrame:
    """List ``Study.pairs`` both ways round.

    Columns: those of ``Study.pairs``; claim is that of the row's first entrant.
    """
    table = study.pairs
    turned = table.assign(
        ours=table["theirs"],
        theirs=table["ours"],
        ours_id=table["theirs_id"],
        theirs_id=table["ours_id"],
        improvement=1 - table["improvement"],
        low=1 - table["high"],
        high=1 - table["low"],
        win=table["loss"],
        loss=table["win"],
        claim=table["claim"].replace({"better": "worse", "worse": "better"}),
    )
    return pd.concat([table, turned], ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel."""
    if table.empty:
        return []
    names = [name for name in colours if (table["ours"] == name).any()]
    sign = table["claim"].map({str(Claim.BETTER): 1.0, str(Claim.WORSE): -1.0})
    strength = (2 * END * (table["improvement"] - 0.5).abs()).clip(lower=FAINTEST)
    shown = pd.DataFrame(
        {
            "entrant": table["ours"],
            "row": table["ours"],
            "column": table["theirs"],
            "shade": sign * strength,
            "text": [_format_cell(one) for one in table.to_dict("records")],
            "ahead": [_format_ahead(one) for one in table.to_dict("records")],
            "level": [format_level(level) for level in table["level"]],
            "tally": [_format_tally(one) for one in table.to_dict("records")],
            "tasks": table["tasks"],
            "p": table["p_holm"],
            "claim": table["claim"],
            "reason": table["reason"],
        }
    )
    pointer = style.make_tooltip(
        optimizer="row:N",
        against="column:N",
        ahead_in="ahead:N",
        level_of_interval="level:N",
        won_tied_lost="tally:N",
        tasks="tasks:Q",
        p_adjusted="p:Q",
        verdict="claim:N",
        reason="reason:N",
    )
    if len(names) > MANY:
        shown = shown.assign(text="")
    lines = 3 if len(names) <= MANY else 1
    chart = draw_matrix(shown, names, names, pointer, lines=lines)
    return [Panel("All tasks", chart, wide=len(names) > 5, text_from=TEXT * len(names))]


def _format_tally(pair: Mapping[Any, Any]) -> str:
    return f"{pair['win']}–{pair['tie']}–{pair['loss']}"


def _format_ahead(pair: Mapping[Any, Any]) -> str:
    return format_improvement(Interval(pair["improvement"], pair["low"], pair["high"], 0))


def _format_cell(pair: Mapping[Any, Any]) -> str:
    ahead, p = (float(pair[name]) for name in ("improvement", "p_holm"))
    probability = BLANK if np.isnan(p) else "p <.001" if p < 0.001 else f"p {p:.3f}"
    share = BLANK if np.isnan(ahead) else f"{100 * ahead:.0f} %"
    return BREAK.join([share, _format_tally(pair), probability])
