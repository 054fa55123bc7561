"""All pairs over all tasks: effect, wins, ties and losses, adjusted p.

Source: Ismail-Fawaz et al. 2023, arXiv:2305.11921 (the multi-comparison matrix).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports.analysis.study import Study
from reports.figures import style
from reports.figures.matrix import BREAK, END, draw_matrix
from reports.figures.panel import Panel
from reports.stats.intervals import CONFIDENCE
from reports.text.numbers import number

TITLE = "Pairwise comparisons"
CAPTION = (
    "Row against column over the tasks that both ran: mean log2 ratio of remaining losses (+1: the "
    "row has half the loss of the column); tasks won, tied and lost; p after Holm's adjustment for "
    "all comparisons of the report. Coloured only where p is at most 0.05 and nothing is withheld. "
    "What two entrants have between them does not change with who else is entered."
)
MANY = 20  # entrants, beyond whom the pointer tells the numbers
EMPTY = "There are no two entrants to compare."
BLANK = "–"
TEXT = 46  # pixels that a cell's text takes


def tabulate(study: Study) -> pd.DataFrame:
    """List ``Study.pairs`` both ways round.

    Columns: those of ``Study.pairs``; claim is that of the row's first entrant.
    """
    table = study.pairs
    turned = table.assign(
        ours=table["theirs"],
        theirs=table["ours"],
        effect=-table["effect"],
        low=-table["high"],
        high=-table["low"],
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
    claimed = table["claim"].isin(["better", "worse"]) & (table["p_holm"] <= 1 - CONFIDENCE + 1e-12)
    sign = table["claim"].map({"better": 1.0, "worse": -1.0})
    strength = table["effect"].abs().clip(0.2, END).fillna(END)  # a rank test has no size
    shown = pd.DataFrame(
        {
            "entrant": table["ours"],
            "row": table["ours"],
            "column": table["theirs"],
            "shade": (sign * strength).where(claimed),
            "text": [_format_cell(one) for one in table.to_dict("records")],
            "effect": [number(value, 2, sign=True) for value in table["effect"]],
            "low": table["low"].replace([np.inf, -np.inf], np.nan),
            "high": table["high"].replace([np.inf, -np.inf], np.nan),
            "tally": [_format_tally(one) for one in table.to_dict("records")],
            "p": table["p_holm"],
            "claim": table["claim"],
            "reason": table["reason"],
        }
    )
    pointer = style.make_tooltip(
        optimizer="row:N",
        against="column:N",
        effect="effect:N",
        from_="low:Q",
        to="high:Q",
        won_tied_lost="tally:N",
        p_adjusted="p:Q",
        claim="claim:N",
        reason="reason:N",
    )
    if len(names) > MANY:
        shown = shown.assign(text="")
    lines = 3 if len(names) <= MANY else 1
    chart = draw_matrix(shown, names, names, pointer, lines=lines)
    return [Panel("All tasks", chart, wide=len(names) > 5, text_from=TEXT * len(names))]


def _format_tally(pair: Mapping[Any, Any]) -> str:
    return f"{pair['win']}–{pair['tie']}–{pair['loss']}"


def _format_cell(pair: Mapping[Any, Any]) -> str:
    effect, p = (float(pair[name]) for name in ("effect", "p_holm"))
    probability = BLANK if np.isnan(p) else "p <.001" if p < 0.001 else f"p {p:.3f}"
    size = BLANK if np.isnan(effect) else number(effect, 2, sign=True)
    return BREAK.join([size, _format_tally(pair), probability])
