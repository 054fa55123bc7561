"""Share of the reference's remaining loss that every entrant takes away, on every task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.analysis.effect import measure_effect
from reports.analysis.study import Study
from reports.figures import style
from reports.figures.matrix import END, draw_matrix
from reports.figures.panel import Panel
from reports.text.numbers import number

TITLE = "Optimizers by task"
CAPTION = (
    "log2 of the reference's remaining loss on test over the entrant's, of seeds that both "
    "finished: +1 is half the loss, −1 twice as much; what remains of a score is what it lacks to "
    "1. A star: the difference is shown after Holm's adjustment; a dagger: some trials broke off "
    "and are not in the number. Colours end at ±1.5."
)
TEXT = 38  # pixels that a cell's text takes
EMPTY = "There is nobody beside the reference, or nothing that both finished."


def tabulate(study: Study) -> pd.DataFrame:
    """Compute one row per entrant and comparison, without the reference's own.

    Columns: comparison, entrant, effect (log2 ratio; NaN: no common scale or no pair), difference
    (on test, ours minus theirs), n (pairs that finished), broken (trials of ours that did not
    finish), verdict.
    """
    rows = {row.arm: row for board in study.leaderboards for row in board.rows}
    found = []
    for arm in study.grid.arms.values():
        anchor = study.grid.anchors.get(arm.setting_id)
        if anchor is None or anchor is arm:
            continue
        row, measured = rows[arm], measure_effect(arm, anchor)
        effect = measured.estimate if measured else math.nan
        difference, broken = row.difference.seeds, len(arm.trials) - arm.finished
        numbers = (effect, difference.estimate, difference.n, broken)
        found.append((arm.comparison, arm.entrant, *numbers, str(row.verdict.claim)))
    columns = ["comparison", "entrant", "effect", "difference", "n", "broken", "verdict"]
    return pd.DataFrame(found, columns=columns).sort_values(columns[:2], ignore_index=True)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel: optimizers down, tasks across."""
    if not table["effect"].notna().any():
        return []
    rows = [name for name in colours if (table["entrant"] == name).any()]
    columns = sorted(table["comparison"].unique())
    shown = table.assign(
        row=table["entrant"],
        column=table["comparison"],
        shade=table["effect"].clip(-END, END),
        text=[_format_cell(one) for one in table.to_dict("records")],
        effect=[number(value, 2, sign=True) for value in table["effect"]],
    )
    pointer = style.make_tooltip(
        optimizer="entrant:N",
        task="column:N",
        log2_ratio="effect:N",
        difference="difference:Q",
        pairs="n:Q",
        broke_off="broken:Q",
        verdict="verdict:N",
    )
    chart = draw_matrix(shown.drop(columns="comparison"), rows, columns, pointer)
    return [Panel("All tasks", chart, wide=len(columns) > 5, text_from=TEXT * len(columns))]


def _format_cell(cell: Mapping[Any, Any]) -> str:
    """Format the effect with its marks, ``+0.32*†``."""
    shown = "*" if cell["verdict"] in ("better", "worse") else ""
    return f"{number(cell['effect'], 2, sign=True)}{shown}{'†' if cell['broken'] else ''}"
