"""What a study says in plain words: the answer, a sentence an entrant, and the counts behind both.

An entrant speaks through one row a comparison: its tuned point, else the best tried, else its
default. Each claim carries the interval that it rests on, n and price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.spec import Status
from reports.analysis.arms import Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.rows import LeaderboardRow
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.text.headline import choose_decimals, compare_finishing, count_points
from reports.text.numbers import counted, interval, whole

SPOKEN = (Claim.BETTER, Claim.WORSE, Claim.UNCLEAR, Claim.WITHHELD, Claim.NOT_TESTED)
"""In the order of a sentence."""

Entry = tuple[Leaderboard, LeaderboardRow]


@dataclass(frozen=True)
class Sentence:
    """What is said of one entrant, and the strongest claim in it."""

    text: str
    claim: Claim


def collect_entries(boards: Sequence[Leaderboard]) -> dict[str, list[Entry]]:
    """Collect each entrant's rows that speak for it, one a comparison, without the reference's."""
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
    if not found[Claim.NOT_TESTED]:
        del found[Claim.NOT_TESTED]
    broken = study.trials["status"].isin([Status.DIVERGED, Status.FAILED])
    return found | {"trials broken off": int(broken.sum())}


def write_answer(study: Study) -> str:
    """Say if anything is better than the reference, as far as the study shows.

    Of tuned optimizers first; what the defaults of tuned ones show is said as well, for it stands
    in the same tables.
    """
    return " ".join([_answer_of_heads(study), *_answer_of_defaults(study)])


def _answer_of_defaults(study: Study) -> list[str]:
    """Name defaults that are shown to be better where a tuned row speaks for their entrant."""
    better: dict[str, list[str]] = {}
    for board in study.leaderboards:
        for row in board.rows:
            if row not in board.heads and row.verdict.claim is Claim.BETTER:
                better.setdefault(row.arm.entrant, []).append(board.comparison)
    shown = "; ".join(f"{name} on {_and(where)}" for name, where in better.items())
    return [f"Default against default, shown to be better: {shown}."] if shown else []


def _answer_of_heads(study: Study) -> str:
    reference, entries = study.reference, collect_entries(study.leaderboards)
    rows = [row for own in entries.values() for _, row in own]
    tasks = counted(len(study.leaderboards), "comparison")
    if not rows:
        return f"Nothing was compared with {reference}: it ran alone."
    better = {
        entrant: [board.comparison for board, row in own if row.verdict.claim is Claim.BETTER]
        for entrant, own in entries.items()
    }
    shown = [f"{name} on {_and(where)}" for name, where in better.items() if where]
    if shown:
        return f"Shown to be better than {reference}: {'; '.join(shown)} (of {tasks})."
    if all(row.verdict.claim is Claim.NOT_TESTED for row in rows):
        return f"{reference} did not run here, so nothing is compared with it."
    if all(row.verdict.claim in (Claim.WITHHELD, Claim.NOT_TESTED) for row in rows):
        return f"No verdict: no comparison with {reference} here is one that a verdict may rest on."
    tuned = "tuned " if any(row.arm.kind is Kind.TUNED for row in rows) else ""
    return f"No {tuned}optimizer here is shown to be better than {reference} ({tasks})."


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
    against = entries[0][0].reference
    if claim in (Claim.BETTER, Claim.WORSE):
        verb = f"beats {against}" if claim is Claim.BETTER else f"loses to {against}"
        return f"{verb} on " + "; on ".join(_difference(*one) for one in entries)
    places: dict[str, list[str]] = {}
    for board, row in entries:
        places.setdefault(_undecided(row), []).append(board.comparison)
    bare_first = sorted(places.items(), key=lambda one: bool(one[0]))
    listed = "; ".join(f"{_and(where)}{why}" for why, where in bare_first)
    if claim is Claim.NOT_TESTED:
        return f"nothing to compare it with on {listed}"
    if claim is Claim.WITHHELD:
        return f"verdict withheld on {listed}"
    return f"no difference to {against} shown on {listed}"


def _difference(board: Leaderboard, row: LeaderboardRow) -> str:
    """``langid: +0.0044 [0.0018, 0.0069], n = 10, 8 points each``."""
    difference = row.difference
    default = row.arm.kind is Kind.DEFAULT
    price = "at their defaults" if default else f"{count_points(row.arm)} each"
    terms = [f"n = {difference.pairs}", price]
    if finishing := compare_finishing(row):
        return f"{board.comparison} by rank ({', '.join(terms)}{finishing})"
    ends = difference.selection if difference.selection.known else difference.seeds
    measured = difference.seeds.estimate, ends.low, ends.high
    value = interval(*measured, choose_decimals(board, *measured), sign=True)
    return f"{board.comparison}: {value}, {', '.join(terms)}"


def _undecided(row: LeaderboardRow) -> str:
    """Say why nothing is claimed, or what would decide it."""
    if row.verdict.claim is Claim.WITHHELD:
        return f" ({row.verdict.reason})"
    if row.verdict.claim is not Claim.UNCLEAR or math.isnan(row.n_needed):
        return ""
    if math.isinf(row.n_needed):
        return " (more seeds alone would not decide: tuning.repeats=3 would show the luck in it)"
    return f" (a difference of this size: about {whole(row.n_needed)} seeds would decide)"


def _and(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
