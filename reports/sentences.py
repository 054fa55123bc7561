"""The one sentence of a comparison, with what weakens it in it: n, price, budget, target, pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.leaderboard import Leaderboard
from reports.numbers import interval, short
from reports.sides import Kind
from reports.verdict import Claim, Verdict

Row = Mapping[Any, Any]


def headline(board: Leaderboard) -> str:
    """Who leads on validation, its test value at what price, and what that says of the reference.

    ``digits: lion tuned 0.951 [0.947, 0.955] (n=10, 8 points tried, 300 steps, target 0.85);
    better than adam (10 pairs).``
    """
    best: Row = board.rows.iloc[0].to_dict()
    if best["n"] == 0:
        return f"{board.comparison}: no trial finished at a selected point."
    value = interval(best["test_mean"], best["test_low"], best["test_high"], decimals(board))
    lead = f"{board.comparison}: {_name(best)} {value} ({_terms(best, board)})"
    if best["verdict"].claim is Claim.REFERENCE:
        return f"{lead}; {_others(board)}."
    return f"{lead}; {outcome(best, board)}."


def outcome(row: Row, board: Leaderboard) -> str:
    """What a row's verdict says, with its pairs and, where they differ, the finishing rates."""
    verdict: Verdict = row["verdict"]
    against = row["reference"] or board.reference
    if verdict.claim is Claim.WITHHELD:
        return f"no verdict against {against}, withheld: {verdict.reason}{_finishing(row, against)}"
    said = {
        Claim.BETTER: f"better than {against}",
        Claim.WORSE: f"worse than {against} on test",
        Claim.UNCLEAR: f"no difference to {against} shown",
        Claim.NOT_TESTED: f"difference to {against} not tested",
    }[verdict.claim]
    pairs = f" ({row['pairs']} pairs)" if row["pairs"] else ""
    return f"{said}{pairs}{_finishing(row, against)}"


def price(row: Row) -> str:
    """Points that were tried to find this one: ``8``, ``3 × 8``; ``0`` for a default."""
    tried = str(int(row["points_tried"]))
    return f"{int(row['repeats'])} × {tried}" if row["repeats"] > 1 else tried


def decimals(board: Leaderboard) -> int:
    """Decimals of one table's metric: two significant digits of its typical interval half-width."""
    half_width = ((board.rows["test_high"] - board.rows["test_low"]) / 2).median()
    if not half_width > 0:
        return 4
    return max(0, min(6, 1 - math.floor(math.log10(half_width))))


def _name(row: Row) -> str:
    kinds = {Kind.TUNED: " tuned", Kind.DEFAULT: " at its default", Kind.BEST: ""}
    return f"{row['entrant']}{kinds[row['row']]}"


def _terms(row: Row, board: Leaderboard) -> str:
    points = "1 point" if price(row) == "1" else f"{price(row)} points"
    terms = [f"n={row['n']}", f"{points} tried", f"{board.budget_steps} steps"]
    if not math.isnan(board.target):
        terms.append(f"target {short(board.target)}")
    return ", ".join(terms)


def _finishing(row: Row, against: str) -> str:
    ours, theirs = (row["n"], row["seeds"]), (row["finished_reference"], row["seeds_reference"])
    if not theirs[1] or ours[0] * theirs[1] == theirs[0] * ours[1]:
        return ""
    return f"; finished {ours[0]} of {ours[1]} trials, {against} {theirs[0]} of {theirs[1]}"


def _others(board: Leaderboard) -> str:
    """What a reference in front leaves to say: whether anyone was shown to be better anyway."""
    claims = pd.Series([verdict.claim for verdict in board.rows["verdict"]])
    others = board.rows[(claims != Claim.REFERENCE).to_numpy()]
    if others.empty:
        return "no other optimizer ran"
    better = board.rows[(claims == Claim.BETTER).to_numpy()].to_dict("records")
    named = [
        f"{_name(row)} ({row['pairs']} pairs){_finishing(row, row['reference'])}" for row in better
    ]
    said = f"better than {board.reference} on test: {', '.join(named) or 'none shown'}"
    withheld = [v for v in others["verdict"] if v.claim is Claim.WITHHELD]
    if not withheld:
        return said
    reasons = sorted({verdict.reason for verdict in withheld})
    return f"{said}; withheld for {len(withheld)} of {len(others)}: {'; '.join(reasons[:2])}" + (
        "; …" if len(reasons) > 2 else ""
    )
