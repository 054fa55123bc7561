"""The one sentence of a comparison, with what weakens it in it: n, price, budget, target, pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.analysis.arms import Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.verdict import Claim, Verdict
from reports.text.numbers import interval, short, significant

Row = Mapping[Any, Any]


def headline(board: Leaderboard) -> str:
    """Who leads on validation, its test value at what price, and what that says of the reference.

    ``digits: lion tuned 0.951 [0.947, 0.955] (n=10, 8 points tried, 300 steps, target 0.85);
    better than adam (10 pairs).``
    """
    best: Row = board.table.iloc[0].to_dict()
    if best["n"] == 0:
        return f"{board.comparison}: no trial finished at a selected point."
    measured = best["test_mean"], best["test_low"], best["test_high"]
    value = interval(*measured, decimals(board, *measured))
    lead = f"{board.comparison}: {_name(best)} {value} ({_terms(best, board)})"
    if best["verdict"].claim is Claim.REFERENCE:
        return f"{lead}; {_others(board)}."
    return f"{lead}; {outcome(best, board)}."


def outcome(row: Row, board: Leaderboard) -> str:
    """What a row's verdict says, with its pairs and, where they differ, the finishing rates."""
    verdict: Verdict = row["verdict"]
    against = row["reference"] or board.reference
    if verdict.claim is Claim.WITHHELD:
        return f"no verdict against {against}, withheld: {verdict.reason}{finishing(row, against)}"
    said = {
        Claim.BETTER: f"better than {against}",
        Claim.WORSE: f"worse than {against} on test",
        Claim.UNCLEAR: f"no difference to {against} shown",
        Claim.NOT_TESTED: f"difference to {against} not tested",
    }[verdict.claim]
    pairs = f" ({row['pairs']} pairs)" if row["pairs"] else ""
    return f"{said}{pairs}{finishing(row, against)}"


def price(row: Row) -> str:
    """Points that were tried to find this one: ``8``, ``3 × 8``; ``0`` for a default."""
    tried = str(int(row["points_tried"]))
    return f"{int(row['repeats'])} × {tried}" if row["repeats"] > 1 else tried


def points(row: Row) -> str:
    """The price with its word: ``1 point``, ``8 points``, ``3 × 8 points``."""
    return "1 point" if price(row) == "1" else f"{price(row)} points"


def decimals(board: Leaderboard, value: float, low: float, high: float) -> int:
    """Decimals of one value: two significant digits of its half-width, or of the table's typical.

    The typical one keeps a table in line; the own one keeps a small value beside a huge one, as a
    loss beside one that went to 1e12.
    """
    typical = ((board.table["test_high"] - board.table["test_low"]) / 2).median()
    known = [significant(width) for width in (typical, (high - low) / 2) if width > 0]
    return max(known, default=4 if abs(value) < 100 else 0)


def _name(row: Row) -> str:
    kinds = {Kind.TUNED: " tuned", Kind.DEFAULT: " at its default", Kind.BEST: ""}
    return f"{row['entrant']}{kinds[row['row']]}"


def _terms(row: Row, board: Leaderboard) -> str:
    terms = [f"n={row['n']}", f"{points(row)} tried", f"{board.budget_steps} steps"]
    if not math.isnan(board.target):
        terms.append(f"target {short(board.target)}")
    return ", ".join(terms)


def finishing(row: Row, against: str) -> str:
    """``; finished 3 of 10 trials, adam 10 of 10``; empty where both sides have the same share."""
    ours, theirs = (row["n"], row["seeds"]), (row["finished_reference"], row["seeds_reference"])
    if not theirs[1] or ours[0] * theirs[1] == theirs[0] * ours[1]:
        return ""
    return f"; finished {ours[0]} of {ours[1]} trials, {against} {theirs[0]} of {theirs[1]}"


def _others(board: Leaderboard) -> str:
    """What a reference in front leaves to say: whether anyone was shown to be better anyway."""
    claims = pd.Series([verdict.claim for verdict in board.table["verdict"]])
    others = board.table[(claims != Claim.REFERENCE).to_numpy()]
    if others.empty:
        return "no other optimizer ran"
    better = board.table[(claims == Claim.BETTER).to_numpy()].to_dict("records")
    named = [
        f"{_name(row)} ({row['pairs']} pairs){finishing(row, row['reference'])}" for row in better
    ]
    said = f"better than {board.reference} on test: {', '.join(named) or 'none shown'}"
    withheld = [v for v in others["verdict"] if v.claim is Claim.WITHHELD]
    if not withheld:
        return said
    reasons = sorted({verdict.reason for verdict in withheld})
    return f"{said}; withheld for {len(withheld)} of {len(others)}: {'; '.join(reasons[:2])}" + (
        "; …" if len(reasons) > 2 else ""
    )
