"""The one sentence of a task, with what weakens it in it: results, tuning, budget, target."""

from __future__ import annotations

import math

import pandas as pd

from reports.analysis.arms import Arm, Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.rows import LeaderboardRow
from reports.analysis.verdict import Claim
from reports.text.numbers import counted, interval, short, significant


def write_headline(board: Leaderboard) -> str:
    """Say who leads on validation, how it was tuned, and what that says of the reference.

    ``digits: lion tuned 0.951 [0.947, 0.955] (10 tunings of 8 settings, 300 steps, target 0.85);
    better than adam.``
    """
    best = board.rows[0]
    if best.arm.finished == 0:
        return f"{board.comparison}: no reported trial finished."
    measured = best.test.estimate, best.test.low, best.test.high
    value = interval(*measured, choose_decimals(board, *measured))
    lead = f"{board.comparison}: {_name(best.arm)} {value} ({_terms(best.arm, board)})"
    if best.verdict.claim is Claim.REFERENCE:
        return f"{lead}; {_others(board)}."
    return f"{lead}; {describe_verdict(best, board)}."


def describe_verdict(row: LeaderboardRow, board: Leaderboard) -> str:
    """Describe a row's verdict and, where they differ, the finishing rates."""
    verdict = row.verdict
    against = row.reference.entrant if row.reference else board.reference
    finishing = compare_finishing(row)
    text = {
        Claim.BETTER: f"better than {against}",
        Claim.WORSE: f"worse than {against} on test",
        Claim.UNCLEAR: f"no clear difference to {against}",
        Claim.NO_VERDICT: f"no verdict: {verdict.reason}",
        Claim.NOT_ASKED: f"not asked: {verdict.reason}",
    }[verdict.claim]
    return f"{text}{finishing}"


def format_price(arm: Arm) -> str:
    """Count the settings tried: ``10 × 8`` (tunings × settings), ``8``; ``0`` for a default."""
    return f"{arm.tunings} × {arm.tried}" if arm.tunings > 1 else str(arm.tried)


def describe_price(arm: Arm) -> str:
    """``10 tunings of 8 settings``, ``8 settings tried``, ``10 seeds``."""
    if arm.kind is Kind.TUNED:
        return f"{counted(arm.tunings, 'tuning')} of {counted(arm.tried, 'setting')}"
    tried = f", {counted(arm.tried, 'setting')} tried" if arm.tried > 1 else ""
    return f"{counted(arm.standing.results, 'seed')}{tried}"


def choose_decimals(board: Leaderboard, value: float, low: float, high: float) -> int:
    """Choose two significant digits of one value's half-width, or of the table's typical.

    The typical one keeps a table in line; the own one keeps a small value beside a huge one, as a
    loss beside one that went to 1e12.
    """
    typical = pd.Series([(row.test.high - row.test.low) / 2 for row in board.rows]).median()
    widths = (typical, (high - low) / 2)
    known = [significant(width) for width in widths if 0 < width < math.inf]
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
    terms = [describe_price(arm), f"{board.budget_steps} steps"]
    if not math.isnan(board.target):
        terms.append(f"target {short(board.target)}")
    return ", ".join(terms)


def _others(board: Leaderboard) -> str:
    """Say of a leading reference whether anyone was shown to be better anyway."""
    others = [row for row in board.rows if row.verdict.claim is not Claim.REFERENCE]
    if not others:
        return "no other optimizer ran"
    named = [
        f"{_name(row.arm)}{compare_finishing(row)}"
        for row in others
        if row.verdict.claim is Claim.BETTER
    ]
    text = f"better than {board.reference} on test: {', '.join(named) or 'none shown'}"
    none = [row.verdict.reason for row in others if row.verdict.claim is Claim.NO_VERDICT]
    if not none:
        return text
    reasons = sorted(set(none))
    shown = "; ".join([*reasons[:2], *["…"] * (len(reasons) > 2)])
    return f"{text}; no verdict for {len(none)} of {len(others)}: {shown}"
