"""Leaderboards as text for people: strings with as many digits as their interval supports."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports.analysis.arms import Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.rows import LeaderboardRow
from reports.analysis.selection import count_statuses
from reports.stats.intervals import Interval
from reports.stats.seeds import Group
from reports.text.csv_table import format_csv_table
from reports.text.effects import format_improvement, format_level
from reports.text.headline import choose_decimals, format_price, write_headline
from reports.text.numbers import MISSING, counted, interval, number, short, whole

IMPORTANT = ("optimizer", "row", "tuning", "n", "verdict", "p (Holm)")
"""Beside the intervals of the test value and of the difference, whose names carry the metric."""


OPTIONAL = ("tunings to decide", "seed groups", "test split ±")
"""Columns that are left out where no row has a value."""


def display(board: Leaderboard) -> pd.DataFrame:
    """Format every cell as a string; columns carry metric, interval and unit."""
    rows = board.rows
    table = pd.DataFrame([_cells(row, board) for row in rows])
    optional = {
        "row": all(row.arm.kind is Kind.BEST for row in rows),
        "compared with": table["compared with"].isin([board.reference, ""]).all(),
        "steps": not any(row.steps < board.budget_steps for row in rows),
        **{name: (table[name] == MISSING).all() for name in OPTIONAL},
    }
    return table.drop(columns=[name for name, left_out in optional.items() if left_out])


def _cells(row: LeaderboardRow, board: Leaderboard) -> dict[str, str]:
    def between(one: Interval, *, sign: bool = False) -> str:
        known = math.isfinite(one.low) or math.isfinite(one.high)  # else it rules nothing out
        measured = one.estimate, *((one.low, one.high) if known else (math.nan, math.nan))
        return interval(*measured, choose_decimals(board, *measured), sign=sign)

    arm = row.arm
    val_digits = choose_decimals(board, row.val_mean, row.test.low, row.test.high)
    return {
        "optimizer": arm.entrant,
        "row": str(arm.kind),
        "point": arm.point,
        "tuning": format_price(arm),
        "n": str(arm.finished),
        f"test/{board.metric} [95 %]": between(row.test),
        f"minus {board.reference or 'reference'}": between(row.shift, sign=True),
        f"ahead of {board.reference or 'reference'}": format_improvement(row.improvement),
        "verdict": str(row.verdict),
        "compared with": row.reference.entrant if row.reference else "",
        "level": MISSING if math.isnan(row.p_holm) else format_level(row.level),
        "p (Holm)": format_probability(row.p_holm),
        "tunings to decide": whole(row.tunings_needed),
        "statuses": count_statuses(arm.trials),
        "bad seeds": format_share(row.bad_share),
        "seed groups": format_groups(row.seed_groups) or MISSING,
        f"val/{board.metric}": number(row.val_mean, val_digits),
        "test split ±": short(row.test_error),
        "IQM [95 %]": between(row.test_iqm),
        "steps": whole(row.steps),
        "steps to target [95 %] (reached)": _to_target(row),
        "seconds to target": short(row.train_time_to_target_s),
        "step (ms)": short(row.step_time_ms),
        "marks": ", ".join(map(str, row.caveats)),
    }


def _to_target(row: LeaderboardRow) -> str:
    """``150 [125, 175] (10/10)``: the median, its interval, how many trials reached it."""
    steps = row.steps_to_target
    if not steps.n:
        return MISSING
    return f"{interval(steps.estimate, steps.low, steps.high, 0)} ({row.reached}/{steps.n})"


def format_groups(groups: Sequence[Group]) -> str:
    """``6 seeds 28.3–29.3, 4 seeds 52.9–53.0``; empty without groups."""
    return ", ".join(f"{counted(group.n, 'seed')} {_range(group)}" for group in groups)


def _range(group: Group) -> str:
    if math.isnan(group.low):
        return "broke off"
    low, high = short(group.low), short(group.high)
    return low if high == low else f"{low}–{high}"


def format_share(value: float) -> str:
    """``40 %``."""
    return MISSING if math.isnan(value) else f"{100 * value:.0f} %"


def format_probability(value: float) -> str:
    """``0.031``, ``<0.001``."""
    if math.isnan(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def format_csv(boards: Sequence[Leaderboard]) -> str:
    """Format all leaderboards as numbers, one table; reads back with ``pandas.read_csv``."""
    if not boards:
        return ""
    return format_csv_table(pd.concat([_numbers(board) for board in boards], ignore_index=True))


def _numbers(board: Leaderboard) -> pd.DataFrame:
    """Put what is the comparison's own in front."""
    rows = _texts(board.table)
    for position, name in enumerate(("comparison", "metric", "direction", "target")):
        rows.insert(position, name, getattr(board, name))
    return rows


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Replace values of our own by text."""
    rows = rows.copy()
    verdicts = list(rows["verdict"])
    rows["verdict"] = [str(verdict.claim) for verdict in verdicts]
    after = list(rows.columns).index("verdict") + 1
    rows.insert(after, "reason", [verdict.reason for verdict in verdicts])
    rows["row"] = rows["row"].map(str)
    rows["seed_groups"] = rows["seed_groups"].map(format_groups)
    rows["marks"] = [", ".join(map(str, marks)) for marks in rows["marks"]]
    return rows


def format_markdown(boards: Sequence[Leaderboard]) -> str:
    """Format pipe tables with their notes, for a README or an issue."""
    parts = []
    for board in boards:
        cells = display(board).map(lambda text: text.replace("|", r"\|"))
        table = cells.to_markdown(index=False, disable_numparse=True)
        notes = "\n".join(f"- {note}" for note in board.notes)
        parts.append(f"## {board.comparison}\n\n{write_headline(board)}\n\n{table}\n\n{notes}\n")
    return "\n".join(parts)


def format_json(boards: Sequence[Leaderboard]) -> str:
    """Format all leaderboards as numbers: comparisons with their rows, notes and headline.

    A number that was not measured is null, one that is not finite is text: ``"inf"``.
    """
    found = [
        {
            "comparison": board.comparison,
            "headline": write_headline(board),
            "metric": board.metric,
            "direction": board.direction,
            "target": _plain(board.target),
            "budget_steps": board.budget_steps,
            "reference": board.reference,
            "rows": [
                {str(key): _plain(value) for key, value in row.items()}
                for row in _texts(board.table).to_dict("records")
            ],
            "notes": [str(note) for note in board.notes],
        }
        for board in boards
    ]
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Turn a cell into a JSON value."""
    if isinstance(value, numbers.Integral):
        return int(value)
    if not isinstance(value, numbers.Real):
        return str(value)
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else str(float(value))


def choose_columns(cells: pd.DataFrame) -> list[str]:
    """List the few columns of ``display`` that a paper or a notebook has room for."""
    chosen = (*IMPORTANT, "test/", "minus ")
    return [str(name) for name in cells if str(name).startswith(chosen)]
