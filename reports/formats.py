"""Leaderboards as text for people: strings with as many digits as their interval supports."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from reports.leaderboard import (
    BETTER,
    BETTER_IF_FINISHED,
    REFERENCE,
    UNCLEAR,
    UNTESTED,
    WORSE,
    Leaderboard,
)

MISSING = "n/a"


def display(board: Leaderboard) -> pd.DataFrame:
    """The leaderboard with every cell a string; columns carry metric, interval and unit."""
    rows, digits = board.rows, decimals(board)
    intervals = [
        interval(row["test_mean"], row["test_low"], row["test_high"], digits)
        for row in rows.to_dict("records")
    ]
    differences = [
        interval(row["diff_mean"], row["diff_low"], row["diff_high"], digits, sign=True)
        for row in rows.to_dict("records")
    ]
    to_target = [
        f"{whole(row['steps_to_target'])} ({row['reached']}/{row['ran']})"
        if row["ran"]
        else MISSING
        for row in rows.to_dict("records")
    ]
    return pd.DataFrame(
        {
            "optimizer": rows["optimizer"],
            "point": rows["point"],
            "points tried": rows["points_tried"].map(str),
            "n": rows["n"].map(str),
            "statuses": rows["statuses"],
            f"val/{board.metric}": [number(value, digits) for value in rows["val_mean"]],
            f"test/{board.metric} [95 %]": intervals,
            f"minus {REFERENCE} [95 %]": differences,
            "verdict": rows["verdict"],
            "steps to target (reached)": to_target,
            "seconds to target": [short(value) for value in rows["train_time_to_target_s"]],
            "step (ms)": [short(value) for value in rows["step_time_ms"]],
            "marks": rows["marks"],
        }
    )


def decimals(board: Leaderboard) -> int:
    """Decimals of one table's metric: two significant digits of its typical interval half-width."""
    half_width = ((board.rows["test_high"] - board.rows["test_low"]) / 2).median()
    if not half_width > 0:
        return 4
    return max(0, min(6, 1 - math.floor(math.log10(half_width))))


def number(value: float, digits: int, *, sign: bool = False) -> str:
    """``0.9723``, ``+0.0012``, ``∞``; ``n/a`` for NaN: a number that was not measured."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, digits) or 0.0  # no negative zero
    text = f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"
    return text.replace("-", "−")


def interval(value: float, low: float, high: float, digits: int, *, sign: bool = False) -> str:
    """``0.972 [0.968, 0.976]``; ``[n/a]`` where the values tell nothing about their spread."""
    if math.isnan(value):
        return MISSING
    shown = number(value, digits, sign=sign)
    if math.isnan(low):
        return f"{shown} [{MISSING}]"
    return f"{shown} [{number(low, digits, sign=sign)}, {number(high, digits, sign=sign)}]"


def short(value: float) -> str:
    """Three significant digits, never in exponents: ``0.396``, ``12.3``, ``1234``."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return number(value, 0)
    return number(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def whole(value: float) -> str:
    """A count: ``380``."""
    return number(value, 0)


def answer(board: Leaderboard) -> str:
    """One sentence: who leads on validation, its test value, and what that says against Adam."""
    best = board.rows.iloc[0]
    if best["n"] == 0:
        return f"{board.comparison}: no trial finished at a selected point."
    digits = decimals(board)
    value = interval(best["test_mean"], best["test_low"], best["test_high"], digits)
    lead = f"{board.comparison}: {best['optimizer']} {value} (n={best['n']})"
    if best["optimizer"] == REFERENCE:
        return f"{lead}; {_others(board)}."
    outcome = {
        BETTER: f"better than {REFERENCE}",
        BETTER_IF_FINISHED: f"better than {REFERENCE} where it finished",
        WORSE: f"worse than {REFERENCE} on test",
        UNCLEAR: f"no difference to {REFERENCE} shown",
        UNTESTED: f"difference to {REFERENCE} not tested",
    }[best["verdict"]]
    if best["verdict"] == BETTER and "same seeds" in best["marks"]:
        outcome += ", on the seeds that also chose its point"
    return f"{lead}; {outcome}."


def _others(board: Leaderboard) -> str:
    """What an Adam in front leaves to say: whether anyone was shown to be better all the same."""
    others = board.rows[board.rows["optimizer"] != REFERENCE]
    if others.empty:
        return "no other optimizer ran"
    better = others.loc[others["verdict"].isin([BETTER, BETTER_IF_FINISHED]), "optimizer"]
    return f"better than {REFERENCE} on test: {', '.join(better) or 'none shown'}"


def as_csv(boards: Sequence[Leaderboard]) -> str:
    """All leaderboards as numbers, one table; reads back with ``pandas.read_csv``."""
    frames = [_numbers(board) for board in boards]
    return pd.concat(frames, ignore_index=True).to_csv(index=False, lineterminator="\n")


def _numbers(board: Leaderboard) -> pd.DataFrame:
    described: dict[str, str | float] = {
        "comparison": board.comparison,
        "metric": board.metric,
        "direction": board.direction,
        "target": board.target,
    }
    rows = board.rows.copy()
    for position, (name, value) in enumerate(described.items()):
        rows.insert(position, name, value)
    return rows


def as_markdown(boards: Sequence[Leaderboard]) -> str:
    """Pipe tables with their notes, for a README or an issue."""
    parts = []
    for board in boards:
        cells = display(board).map(lambda text: text.replace("|", r"\|"))
        table = cells.to_markdown(index=False, disable_numparse=True)
        notes = "\n".join(f"- {note}" for note in board.notes)
        parts.append(f"## {board.comparison}\n\n{answer(board)}\n\n{table}\n\n{notes}\n")
    return "\n".join(parts)


def as_latex(boards: Sequence[Leaderboard]) -> str:
    """One ``table`` environment each, for the ``booktabs`` package."""
    columns = slice("n", "steps to target (reached)")
    parts = []
    for board in boards:
        cells = display(board).set_index("optimizer").loc[:, columns].drop(columns="statuses")
        cells = cells.reset_index()
        parts.append(
            cells.to_latex(index=False, escape=True, caption=_latex(answer(board)), position="t")
        )
    return "\n".join(parts).replace("∞", r"$\infty$").replace("−", "$-$")


def _latex(text: str) -> str:
    for character in "\\&%$#_{}":
        text = text.replace(
            character, "\\textbackslash " if character == "\\" else f"\\{character}"
        )
    return text
