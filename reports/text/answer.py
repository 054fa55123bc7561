"""What a study says in plain words: the answer, a sentence an entrant, and the counts behind both.

An entrant speaks through one row a task: its tuned row, else the best tried, else its default. Each
claim carries the interval that it rests on, and what it was compared at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.spec import Status
from reports.analysis.arms import Arm, Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.rows import LeaderboardRow
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.text.effects import (
    describe_ruled_out,
    describe_shift,
    format_overall_improvement,
)
from reports.text.headline import compare_finishing, describe_price
from reports.text.numbers import counted, whole

SPOKEN = (Claim.BETTER, Claim.WORSE, Claim.UNCLEAR, Claim.NO_VERDICT, Claim.NOT_ASKED)
"""In the order of a sentence."""
CLAIMS = (Claim.BETTER, Claim.WORSE)

MANY = 1_000
"""Tunings beyond which no number of them is said: nobody runs them."""

Entry = tuple[Leaderboard, LeaderboardRow]


@dataclass(frozen=True)
class Sentence:
    """What is said of one entrant, and the strongest claim in it."""

    text: str
    claim: Claim


def collect_entries(boards: Sequence[Leaderboard]) -> dict[str, list[Entry]]:
    """Collect each entrant's rows that speak for it, one a task, without the reference's."""
    entries: dict[str, list[Entry]] = {}
    for board in boards:
        for row in board.heads:
            if row.verdict.claim is not Claim.REFERENCE:
                entries.setdefault(row.arm.entrant, []).append((board, row))
    return entries


def count_claims(study: Study) -> dict[str, int]:
    """Count verdicts of the rows that speak, by claim, and trials that did not finish."""
    rows = [row for own in collect_entries(study.leaderboards).values() for _, row in own]
    claims = [row.verdict.claim for row in rows]
    found = {str(claim): claims.count(claim) for claim in SPOKEN}
    if not found[Claim.NOT_ASKED]:
        del found[Claim.NOT_ASKED]
    broken = study.trials["status"].isin([Status.DIVERGED, Status.FAILED])
    return found | {"trials diverged or failed": int(broken.sum())}


def write_answer(study: Study) -> str:
    """Say what beats the reference, as far as the study shows.

    First over all tasks, then on single ones; of tuned optimizers first. What defaults of tuned
    ones show is said as well, for it stands in the same tables.
    """
    entries = _select_asked(study)
    rows = [row for own in entries.values() for _, row in own]
    if not study.reference:
        return _answer_of_pairs(study)
    if not rows:
        return f"Nothing was compared with {study.reference}: it ran alone."
    if all(row.verdict.claim is Claim.NO_VERDICT for row in rows):
        reasons = list(dict.fromkeys(row.verdict.reason for row in rows))
        more = f" ({len(reasons) - 1} more reasons below)" if len(reasons) > 1 else ""
        return " ".join([f"No verdict: {reasons[0]}{more}.", *_answer_of_defaults(study)])
    return " ".join(
        [*_answer_overall(study), _answer_of_heads(study, entries), *_answer_of_defaults(study)]
    )


def _select_asked(study: Study) -> dict[str, list[Entry]]:
    """Select the entrants that the report asks about, beside a baseline the study's own."""
    entries = collect_entries(study.leaderboards)
    asked = {
        entrant: own
        for entrant, own in entries.items()
        if any(row.verdict.claim is not Claim.NOT_ASKED for _, row in own)
    }
    return asked or entries


def _answer_overall(study: Study) -> list[str]:
    """Name who differs from the reference over all tasks; nothing where there is one task."""
    table = study.overall[study.overall["tested_tasks"] > 1]
    asked = table[table["claim"] != Claim.NOT_ASKED]
    if asked.empty:
        return []
    parts = []
    for claim, verb in ((Claim.BETTER, "beat"), (Claim.WORSE, "lost to")):
        named = [
            f"{row['entrant']} (ahead in {format_overall_improvement(row)} of results)"
            for row in asked[asked["claim"] == claim].to_dict("records")
        ]
        if named:
            parts.append(f"{_and(named)} {verb} {study.reference}")
    most = int(asked["tested_tasks"].max())
    if not parts:
        return [f"Over {most} tasks no difference to {study.reference} is clear."]
    return [f"Over {most} tasks {'; '.join(parts)}."]


def _answer_of_heads(study: Study, entries: dict[str, list[Entry]]) -> str:
    reference = study.reference
    rows = [row for own in entries.values() for _, row in own]
    conditions = f"({describe_conditions(rows)})"
    won = {
        entrant: [board.comparison for board, row in own if row.verdict.claim is Claim.BETTER]
        for entrant, own in entries.items()
    }
    shown = [f"{name} on {_and(where)}" for name, where in won.items() if where]
    if shown:
        return f"Better than {reference}: {'; '.join(shown)} {conditions}."
    tasks = list(dict.fromkeys(board.comparison for own in entries.values() for board, _ in own))
    where = tasks[0] if len(tasks) == 1 else f"any of {counted(len(tasks), 'task')}"
    tuned = "tuned " if any(row.arm.kind is Kind.TUNED for row in rows) else ""
    return f"No {tuned}optimizer is shown to beat {reference} on {where} {conditions}."


def _answer_of_defaults(study: Study) -> list[str]:
    """Name defaults that are shown to be better where a tuned row speaks for their entrant."""
    better: dict[str, list[str]] = {}
    for board in study.leaderboards:
        for row in board.rows:
            if row not in board.heads and row.verdict.claim is Claim.BETTER:
                better.setdefault(row.arm.entrant, []).append(board.comparison)
    shown = "; ".join(f"{name} on {_and(where)}" for name, where in better.items())
    return [f"Default against default, better: {shown}."] if shown else []


def _answer_of_pairs(study: Study) -> str:
    pairs = study.pairs
    if pairs.empty:
        return "Nothing was compared: one optimizer ran alone."
    shown = [
        f"{row['ours']} {'beats' if row['claim'] == Claim.BETTER else 'loses to'} {row['theirs']}"
        for row in pairs[pairs["claim"].isin(CLAIMS)].to_dict("records")
    ]
    none = "no two optimizers are shown to differ"
    return (
        f"There is no reference (reference=NAME chooses one). Of {counted(len(pairs), 'pair')}: "
        f"{'; '.join(shown) or none}."
    )


def write_sentences(study: Study) -> list[Sentence]:
    """Write one an entrant that differs somewhere; those of which the same is said share one."""
    alike: dict[tuple[str, Claim], list[str]] = {}
    for entrant, own in collect_entries(study.leaderboards).items():
        strongest = min((row.verdict.claim for _, row in own), key=SPOKEN.index)
        parts = [
            _part(claim, [one for one in own if one[1].verdict.claim is claim]) for claim in SPOKEN
        ]
        alike.setdefault(("; ".join(filter(None, parts)), strongest), []).append(entrant)
    found = [Sentence(f"{_and(names)}: {text}.", claim) for (text, claim), names in alike.items()]
    return sorted(found, key=lambda sentence: SPOKEN.index(sentence.claim))


def _part(claim: Claim, entries: Sequence[Entry]) -> str:
    if not entries:
        return ""
    row = entries[0][1]
    against = row.reference.entrant if row.reference else entries[0][0].reference
    if claim in CLAIMS:
        verb = f"beats {against}" if claim is Claim.BETTER else f"loses to {against}"
        return f"{verb} on " + "; on ".join(_describe_claim(*one) for one in entries)
    places: dict[str, list[str]] = {}
    for board, each in entries:
        places.setdefault(_describe_undecided(board, each), []).append(board.comparison)
    listed = "; on ".join(f"{_and(where)}{why}" for why, where in places.items())
    if claim is Claim.UNCLEAR:
        return f"no clear difference to {against} on {listed}"
    return f"{claim} on {listed}"


def _describe_claim(board: Leaderboard, row: LeaderboardRow) -> str:
    """``langid by +0.4 points accuracy (99.8 % interval +0.2 to +0.7), 10 tunings``."""
    size = describe_shift(row.shift, board.metric, row.level)
    return f"{board.comparison} by {size}, {describe_conditions([row])}{compare_finishing(row)}"


def _describe_undecided(board: Leaderboard, row: LeaderboardRow) -> str:
    """Say why nothing is claimed, what is ruled out, and what would decide it."""
    if row.verdict.claim is not Claim.UNCLEAR:
        return f" ({row.verdict.reason})"
    parts = [describe_ruled_out(row.shift, board.metric)]
    if row.tunings_needed <= MANY:
        parts.append(f"about {whole(row.tunings_needed)} tunings would decide this size")
    return f" ({'; '.join(parts)})"


def describe_conditions(rows: Sequence[LeaderboardRow]) -> str:
    """``10 tunings of 8 settings``, ``untuned defaults, 10 seeds``; up to three of them."""
    return ", or ".join(list(dict.fromkeys(_describe_conditions(row.arm) for row in rows))[:3])


def _describe_conditions(arm: Arm) -> str:
    return ("untuned defaults, " if arm.kind is Kind.DEFAULT else "") + describe_price(arm)


def _and(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
