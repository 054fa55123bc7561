"""The one sentence of a comparison, with what weakens it in it: n, price, budget, target, pairs."""

from __future__ import annotations

import math

import pandas as pd

from reports.analysis.arms import Arm, Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.rows import LeaderboardRow
from reports.analysis.verdict import Claim
from reports.text.numbers import interval, short, significant


def write_headline(board: Leaderboard) -> str:
    """Say who leads on validation, at what price, and what that says of the reference.

    ``digits: lion tuned 0.951 [0.947, 0.955] (n=10, 8 points tried, 300 steps, target 0.85);
    better than adam (10 pairs).``
    """
    best = board.rows[0]
    if best.arm.finished == 0:
        return f"{board.comparison}: no trial finished at a selected point."
    measured = best.test.estimate, best.test.low, best.test.high
    value = interval(*measured, choose_decimals(board, *measured))
    lead = f"{board.comparison}: {_name(best.arm)} {value} ({_terms(best.arm, board)})"
    if best.verdict.claim is Claim.REFERENCE:
        return f"{lead}; {_others(board)}."
    return f"{lead}; {describe_verdict(best, board)}."


def describe_verdict(row: LeaderboardRow, board: Leaderboard) -> str:
    """Describe a row's verdict with its pairs and, where they differ, the finishing rates."""
    verdict, pairs = row.verdict, row.difference.pairs
    against = row.reference.entrant if row.reference else board.reference
    finishing = compare_finishing(row)
    if verdict.claim is Claim.WITHHELD:
        return f"no verdict against {against}, withheld: {verdict.reason}{finishing}"
    text = {
        Claim.BETTER: f"better than {against}",
        Claim.WORSE: f"worse than {against} on test",
        Claim.UNCLEAR: f"no difference to {against} shown",
        Claim.NOT_TESTED: f"difference to {against} not tested",
    }[verdict.claim]
    return f"{text}{f' ({pairs} pairs)' if pairs else ''}{finishing}"


def format_price(arm: Arm) -> str:
    """Count the points tried to find this one: ``8``, ``3 × 8``; ``0`` for a default."""
    return f"{arm.repeats} × {arm.tried}" if arm.repeats > 1 else str(arm.tried)


def count_points(arm: Arm) -> str:
    """Format the price with its word: ``1 point``, ``8 points``, ``3 × 8 points``."""
    price = format_price(arm)
    return "1 point" if price == "1" else f"{price} points"


def choose_decimals(board: Leaderboard, value: float, low: float, high: float) -> int:
    """Choose two significant digits of one value's half-width, or of the table's typical.

    The typical one keeps a table in line; the own one keeps a small value beside a huge one, as a
    loss beside one that went to 1e12.
    """
    typical = pd.Series([(row.test.high - row.test.low) / 2 for row in board.rows]).median()
    known = [significant(width) for width in (typical, (high - low) / 2) if width > 0]
    return max(known, default=4 if abs(value) < 100 else 0)


def compare_finishing(row: LeaderboardRow) -> str:
    """``; finished 3 of 10 trials, adam 10 of 10``; empty where both have the same share."""
    arm, other = row.arm, row.reference
    if other is None or arm.finished * len(other.trials) == other.finished * len(arm.trials):
        return ""
    ours, theirs = (f"{x.finished} of {len(x.trials)}" for x in (arm, other))
    return f"; finished {ours} trials, {other.entrant} {theirs}"


def _name(arm: Arm) -> str:
    kinds = {Kind.TUNED: " tuned", Kind.DEFAULT: " at its default", Kind.BEST: ""}
    return f"{arm.entrant}{kinds[arm.kind]}"


def _terms(arm: Arm, board: Leaderboard) -> str:
    terms = [f"n={arm.finished}", f"{count_points(arm)} tried", f"{board.budget_steps} steps"]
    if not math.isnan(board.target):
        terms.append(f"target {short(board.target)}")
    return ", ".join(terms)


def _others(board: Leaderboard) -> str:
    """Say of a leading reference whether anyone was shown to be better anyway."""
    others = [row for row in board.rows if row.verdict.claim is not Claim.REFERENCE]
    if not others:
        return "no other optimizer ran"
    named = [
        f"{_name(row.arm)} ({row.difference.pairs} pairs){compare_finishing(row)}"
        for row in others
        if row.verdict.claim is Claim.BETTER
    ]
    text = f"better than {board.reference} on test: {', '.join(named) or 'none shown'}"
    withheld = [row.verdict.reason for row in others if row.verdict.claim is Claim.WITHHELD]
    if not withheld:
        return text
    reasons = sorted(set(withheld))
    shown = "; ".join([*reasons[:2], *["…"] * (len(reasons) > 2)])
    return f"{text}; withheld for {len(withheld)} of {len(others)}: {shown}"
