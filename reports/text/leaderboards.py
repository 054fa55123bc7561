"""Leaderboards as text for people: strings with as many digits as their interval supports."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reports.analysis.arms import Kind
from reports.analysis.leaderboard import Leaderboard
from reports.text.headline import decimals, headline, price
from reports.text.numbers import MISSING, interval, number, short, whole

IMPORTANT = (
    *("optimizer", "row", "points tried", "n"),
    "minus with selection",  # the interval that a tuned row's verdict goes by
    *("verdict", "p (Holm)"),
)
"""Beside the intervals of the test value and of the difference, whose names carry the metric."""


OPTIONAL = (
    *("test with selection", "minus with selection", "seeds to decide", "seed groups"),
    "test split ±",
)
"""Columns that are left out where no row has a value."""


def display(board: Leaderboard) -> pd.DataFrame:
    """The leaderboard with every cell a string; columns carry metric, interval and unit."""
    rows = board.table
    cells = [_cells(row, board) for row in rows.to_dict("records")]
    table = pd.DataFrame(cells)
    optional = {
        "row": (rows["row"] == Kind.BEST).all(),
        "compared with": rows["reference"].isin([board.reference, ""]).all(),
        "steps": not (rows["steps"] < board.budget_steps).any(),
        **{name: (table[name] == MISSING).all() for name in OPTIONAL},
    }
    return table.drop(columns=[name for name, left_out in optional.items() if left_out])


def _cells(row: Mapping[Any, Any], board: Leaderboard) -> dict[str, str]:
    def between(name: str, estimate: str, *, sign: bool = False) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        digits = decimals(board, row[estimate], low, high)
        return interval(row[estimate], low, high, digits, sign=sign)

    def ends(name: str, *, sign: bool = False) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        if math.isnan(low):
            return MISSING
        digits = decimals(board, low, low, high)
        return f"[{number(low, digits, sign=sign)}, {number(high, digits, sign=sign)}]"

    return {
        "optimizer": row["entrant"],
        "row": str(row["row"]),
        "point": row["point"],
        "points tried": price(row),
        "n": str(row["n"]),
        f"test/{board.metric} [95 %]": between("test", "test_mean"),
        f"minus {board.reference} [95 %]": between("diff", "diff_mean", sign=True),
        "minus with selection": ends("diff_selection", sign=True),
        "verdict": str(row["verdict"]),
        "compared with": row["reference"],
        "pairs": str(row["pairs"]),
        "p (Holm)": probability(row["p_holm"]),
        "p sign flip": probability(row["p_sign_flip"]),
        "seeds to decide": whole(row["n_needed"]),
        "statuses": row["statuses"],
        "bad seeds": share(row["bad_share"]),
        "seed groups": row["seed_groups"] or MISSING,
        f"val/{board.metric}": number(
            row["val_mean"], decimals(board, row["val_mean"], row["test_low"], row["test_high"])
        ),
        "test with selection": ends("test_selection"),
        "test split ±": short(row["test_error"]),
        "IQM [95 %]": between("test_iqm", "test_iqm"),
        "steps": whole(row["steps"]),
        "steps to target [95 %] (reached)": _to_target(row),
        "seconds to target": short(row["train_time_to_target_s"]),
        "step (ms)": short(row["step_time_ms"]),
        "marks": ", ".join(map(str, row["marks"])),
    }


def _to_target(row: Mapping[Any, Any]) -> str:
    """``150 [125, 175] (10/10)``: the median, its interval, how many trials reached it."""
    if not row["ran"]:
        return MISSING
    median = interval(row["steps_to_target"], row["steps_low"], row["steps_high"], 0)
    return f"{median} ({row['reached']}/{row['ran']})"


def share(value: float) -> str:
    """``40 %``."""
    return MISSING if math.isnan(value) else f"{100 * value:.0f} %"


def probability(value: float) -> str:
    """``0.031``, ``<0.001``."""
    if math.isnan(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def as_csv(boards: Sequence[Leaderboard]) -> str:
    """All leaderboards as numbers, one table; reads back with ``pandas.read_csv``."""
    if not boards:
        return ""
    frames = [_numbers(board) for board in boards]
    return pd.concat(frames, ignore_index=True).to_csv(index=False, lineterminator="\n")


def _numbers(board: Leaderboard) -> pd.DataFrame:
    """With what is the comparison's own in front."""
    described: dict[str, str | float] = {
        "comparison": board.comparison,
        "metric": board.metric,
        "direction": board.direction,
        "target": board.target,
    }
    rows = _texts(board.table)
    for position, (name, value) in enumerate(described.items()):
        rows.insert(position, name, value)
    return rows


def _texts(rows: pd.DataFrame) -> pd.DataFrame:
    """A leaderboard's rows with text for what is a value of our own."""
    rows = rows.copy()
    verdicts = list(rows["verdict"])
    rows["verdict"] = [str(verdict.claim) for verdict in verdicts]
    place = list(rows.columns).index("verdict") + 1
    rows.insert(place, "reason", [verdict.reason for verdict in verdicts])
    rows["row"] = rows["row"].map(str)
    rows["marks"] = [", ".join(map(str, marks)) for marks in rows["marks"]]
    return rows


def as_markdown(boards: Sequence[Leaderboard]) -> str:
    """Pipe tables with their notes, for a README or an issue."""
    parts = []
    for board in boards:
        cells = display(board).map(lambda text: text.replace("|", r"\|"))
        table = cells.to_markdown(index=False, disable_numparse=True)
        notes = "\n".join(f"- {note}" for note in board.notes)
        parts.append(f"## {board.comparison}\n\n{headline(board)}\n\n{table}\n\n{notes}\n")
    return "\n".join(parts)


def as_json(boards: Sequence[Leaderboard]) -> str:
    """All leaderboards as numbers: a list of comparisons with their rows, notes and headline.

    A number that was not measured is null, one that is not finite is text: ``"inf"``.
    """
    found = [
        {
            "comparison": board.comparison,
            "headline": headline(board),
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
    """A cell in JSON's own words."""
    if isinstance(value, numbers.Integral):
        return int(value)
    if not isinstance(value, numbers.Real):
        return str(value)
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else str(float(value))


def important(cells: pd.DataFrame) -> list[str]:
    """Of the columns of ``display`` the few that a paper or a notebook has room for."""
    names = [str(name) for name in cells]
    intervals = [name for name in names if name.endswith("[95 %]") and not name.startswith("IQM")]
    return [name for name in names if name in IMPORTANT or name in intervals]
