"""What a study says in plain words: the answer, a sentence an entrant, and the counts behind both.

An entrant speaks through one row a comparison: its tuned point, else the best tried, else its
default. Each claim carries the interval that it rests on, n and price.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.spec import Status
from reports.analysis.arms import Kind
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.text.headline import decimals, finishing, points
from reports.text.numbers import counted, interval, whole

Row = Mapping[Any, Any]

SPOKEN = (Claim.BETTER, Claim.WORSE, Claim.UNCLEAR, Claim.WITHHELD, Claim.NOT_TESTED)
"""In the order of a sentence."""


@dataclass(frozen=True)
class Said:
    """One row's claim with its table."""

    board: Leaderboard
    row: Row

    @property
    def claim(self) -> Claim:
        claim: Claim = self.row["verdict"].claim
        return claim


@dataclass(frozen=True)
class Sentence:
    """What is said of one entrant, and the strongest claim in it."""

    text: str
    claim: Claim


def speaking(boards: Sequence[Leaderboard]) -> dict[str, list[Said]]:
    """Each entrant's rows that speak for it, one a comparison; the reference's not among them."""
    found: dict[str, list[Said]] = {}
    for board in boards:
        for row in board.table.drop_duplicates("entrant").to_dict("records"):
            said = Said(board, row)
            if said.claim is not Claim.REFERENCE:
                found.setdefault(row["entrant"], []).append(said)
    return found


def counts(study: Study) -> dict[str, int]:
    """Verdicts of the rows that speak, by claim, and trials that did not finish."""
    claims = [said.claim for rows in speaking(study.leaderboards).values() for said in rows]
    found = {str(claim): claims.count(claim) for claim in SPOKEN}
    if not found[Claim.NOT_TESTED]:
        del found[Claim.NOT_TESTED]
    broken = study.trials["status"].isin([Status.DIVERGED, Status.FAILED])
    return found | {"trials broken off": int(broken.sum())}


def answer(study: Study) -> str:
    """Whether anything is better than the reference, as far as the study shows.

    Of tuned optimizers first; what the defaults of tuned ones show is said as well, for it stands
    in the same tables.
    """
    return " ".join([_spoken(study), *_of_defaults(study)])


def _of_defaults(study: Study) -> list[str]:
    """Defaults that are shown to be better where a tuned row speaks for their entrant."""
    found: dict[str, list[str]] = {}
    for board in study.leaderboards:
        for row in board.table[board.table.duplicated("entrant")].to_dict("records"):
            if row["verdict"].claim is Claim.BETTER:
                found.setdefault(row["entrant"], []).append(board.comparison)
    shown = "; ".join(f"{name} on {_and(where)}" for name, where in found.items())
    return [f"Default against default, shown to be better: {shown}."] if shown else []


def _spoken(study: Study) -> str:
    reference, rows = study.reference, speaking(study.leaderboards)
    every = [said for own in rows.values() for said in own]
    tasks = counted(len(study.leaderboards), "comparison")
    if not every:
        return f"Nothing was compared with {reference}: it ran alone."
    better = {
        entrant: [said.board.comparison for said in own if said.claim is Claim.BETTER]
        for entrant, own in rows.items()
    }
    shown = [f"{name} on {_and(where)}" for name, where in better.items() if where]
    if shown:
        return f"Shown to be better than {reference}: {'; '.join(shown)} (of {tasks})."
    if all(said.claim is Claim.NOT_TESTED for said in every):
        return f"{reference} did not run here, so nothing is compared with it."
    if all(said.claim in (Claim.WITHHELD, Claim.NOT_TESTED) for said in every):
        return f"No verdict: no comparison with {reference} here is one that a verdict may rest on."
    tuned = "tuned " if any(said.row["row"] == Kind.TUNED for said in every) else ""
    return f"No {tuned}optimizer here is shown to be better than {reference} ({tasks})."


def sentences(study: Study) -> list[Sentence]:
    """One an entrant that differs somewhere; those of which the same is said share one."""
    found: list[Sentence] = []
    alike: dict[tuple[str, Claim], list[str]] = {}
    for entrant, own in speaking(study.leaderboards).items():
        strongest = min((said.claim for said in own), key=SPOKEN.index)
        parts = [_part(claim, [s for s in own if s.claim is claim]) for claim in SPOKEN]
        text = "; ".join(part for part in parts if part)
        alike.setdefault((text, strongest), []).append(entrant)
    for (text, claim), names in alike.items():
        found.append(Sentence(f"{_and(names)}: {text}.", claim))
    return sorted(found, key=lambda sentence: SPOKEN.index(sentence.claim))


def _part(claim: Claim, said: Sequence[Said]) -> str:
    if not said:
        return ""
    against = said[0].board.reference
    if claim in (Claim.BETTER, Claim.WORSE):
        verb = f"beats {against}" if claim is Claim.BETTER else f"loses to {against}"
        return f"{verb} on " + "; on ".join(_difference(one) for one in said)
    places: dict[str, list[str]] = {}
    for one in said:
        places.setdefault(_undecided(one), []).append(one.board.comparison)
    bare_first = sorted(places.items(), key=lambda one: bool(one[0]))
    listed = "; ".join(f"{_and(where)}{why}" for why, where in bare_first)
    if claim is Claim.NOT_TESTED:
        return f"nothing to compare it with on {listed}"
    if claim is Claim.WITHHELD:
        return f"verdict withheld on {listed}"
    return f"no difference to {against} shown on {listed}"


def _difference(said: Said) -> str:
    """``langid: +0.0044 [0.0018, 0.0069], n = 10, 8 points each``."""
    row, board = said.row, said.board
    terms = [f"n = {row['pairs']}", _price(row)]
    if broke := finishing(row, row["reference"] or board.reference):
        return f"{board.comparison} by rank ({', '.join(terms)}{broke})"
    known = not math.isnan(row["diff_selection_low"])
    ends = "diff_selection" if known else "diff"
    digits = decimals(board, row["diff_mean"], row[f"{ends}_low"], row[f"{ends}_high"])
    value = interval(row["diff_mean"], row[f"{ends}_low"], row[f"{ends}_high"], digits, sign=True)
    return f"{board.comparison}: {value}, {', '.join(terms)}"


def _undecided(said: Said) -> str:
    """Why nothing is claimed, or what would decide it."""
    row = said.row
    if said.claim is Claim.WITHHELD:
        return f" ({row['verdict'].reason})"
    if said.claim is not Claim.UNCLEAR or math.isnan(row["n_needed"]):
        return ""
    if math.isinf(row["n_needed"]):
        return " (more seeds alone would not decide: tuning.repeats=3 would show the luck in it)"
    return f" (a difference of this size: about {whole(row['n_needed'])} seeds would decide)"


def _price(row: Row) -> str:
    if row["row"] == Kind.DEFAULT:
        return "at their defaults"
    return f"{points(row)} each"


def _and(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
