"""How much less loss than the reference every optimizer leaves, on every task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.spec import Status
from reports.analysis.arms import Arm, Floats
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.figures import style
from reports.figures.matrix import END, draw_matrix
from reports.figures.panel import Panel
from reports.stats import anchored
from reports.text.effects import format_improvement
from reports.text.numbers import number

TITLE = "Optimizers by task"
CAPTION = (
    "Median log2 ratio of remaining losses, reference over optimizer, on test: +1 is half the "
    "loss. Star: better or worse after Holm's correction. Dagger: some trials did not finish."
)
TEXT = 44  # pixels that a cell's text takes
EMPTY = "Nothing ran beside the reference, or the metric has no loss that could remain."
UNFINISHED = (Status.DIVERGED, Status.FAILED)
COLUMNS = [
    *["comparison", "entrant", "ratio", "improvement", "shift", "n", "unfinished"],
    *["claim", "reason"],
]


def tabulate(study: Study) -> pd.DataFrame:
    """Compute one row per entrant and comparison, of the rows that speak for an entrant.

    Columns: comparison, entrant, ratio (``measure_ratio`` to the reference; NaN: no common scale),
    improvement (text: how often a result of ours is the better one), shift (Hodges–Lehmann, ours
    minus the reference's, in the metric's unit), n (our results; 0: skipped), unfinished (our
    trials that diverged or failed), claim, reason. The reference's own rows are left out.
    """
    found = []
    for board in study.leaderboards:
        for row in board.heads:
            arm, reference = row.arm, row.reference
            if reference is None or reference is arm:
                continue
            found.append(
                (
                    *(board.comparison, arm.entrant, measure_ratio(arm, reference)),
                    *(format_improvement(row.improvement), row.shift.estimate),
                    *(len(arm.results), int(arm.trials["status"].isin(UNFINISHED).sum())),
                    *(str(row.verdict.claim), row.verdict.reason),
                )
            )
    return pd.DataFrame(found, columns=COLUMNS).sort_values(COLUMNS[:2], ignore_index=True)


def measure_ratio(ours: Arm, theirs: Arm) -> float:
    """Measure log2 of their remaining loss over ours: the median of all pairs of results.

    Its sign is that of the test: where most pairs favour us it is not negative. A ratio of means
    could point the other way for a single far value. A result that did not finish has an infinite
    loss; two such results are equal.
    """
    losses = [_remaining_losses(arm) for arm in (ours, theirs)]
    if any(not len(loss) or np.isnan(loss).any() for loss in losses):
        return float("nan")
    pairs = anchored.log2_ratio(losses[1][None, :], losses[0][:, None])
    return float(anchored.median(pairs.ravel()))


def _remaining_losses(arm: Arm) -> Floats:
    """One a trial that ran, ∞ for one that did not finish; NaN: the metric has no such scale."""
    losses = anchored.remaining_loss(arm.test, arm.direction)
    return np.where(np.isnan(arm.test), np.inf, losses)


def plot(table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
    """Draw one panel: optimizers down, tasks across."""
    if not table["ratio"].notna().any():
        return []
    rows = [name for name in colours if (table["entrant"] == name).any()]
    columns = sorted(table["comparison"].unique())
    shown = table.assign(
        row=table["entrant"],
        column=table["comparison"],
        shade=table["ratio"].clip(-END, END),
        text=[_format_cell(one) for one in table.to_dict("records")],
        ratio=[number(value, 2, sign=True) for value in table["ratio"]],
    )
    pointer = style.make_tooltip(
        optimizer="entrant:N",
        task="column:N",
        log2_ratio="ratio:N",
        ahead_in="improvement:N",
        difference="shift:Q",
        results="n:Q",
        did_not_finish="unfinished:Q",
        verdict="claim:N",
        reason="reason:N",
    )
    chart = draw_matrix(shown.drop(columns="comparison"), rows, columns, pointer)
    return [Panel("All tasks", chart, wide=len(columns) > 5, text_from=TEXT * len(columns))]


def _format_cell(cell: Mapping[Any, Any]) -> str:
    """Format the ratio with its marks, ``+0.32*†``, or say that nothing ran."""
    if not cell["n"]:
        return "skipped"
    shown = "*" if cell["claim"] in (Claim.BETTER, Claim.WORSE) else ""
    return f"{number(cell['ratio'], 2, sign=True)}{shown}{'†' if cell['unfinished'] else ''}"
