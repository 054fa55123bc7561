"""The verdict on two sides, as a value: a claim, or the reason for none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bench.spec import protocol
from bench.spec.protocol import Edge, Standing
from reports.analysis.arms import Arm
from reports.analysis.multiplicity import Adjusted
from reports.stats.intervals import CONFIDENCE


class Claim(StrEnum):
    """The kinds of verdict."""

    REFERENCE = "reference"
    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no clear difference"
    NO_VERDICT = "no verdict"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Verdict:
    """A claim, and where there is no verdict the reason."""

    claim: Claim
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.claim}: {self.reason}" if self.reason else str(self.claim)


NO_REFERENCE = "there is no reference here"
NOT_ASKED = "it belongs to the baseline, whose own report judges it"


def judge(adjusted: Adjusted, gain: float, bar: str, edge: str) -> Verdict:
    """Give the verdict on ours.

    Args:
        adjusted: the test among all of the report.
        gain: positive where ours is better.
        bar: reason for no verdict whatever the outcome; empty for none.
        edge: reason why the loser may not have lost; empty for none.
    """
    if not adjusted.asked:
        return Verdict(Claim.NOT_ASKED, NOT_ASKED)
    if bar:
        return Verdict(Claim.NO_VERDICT, bar)
    if not is_significant(adjusted.p):
        return Verdict(Claim.UNCLEAR)
    if edge:
        return Verdict(Claim.NO_VERDICT, edge)
    return Verdict(Claim.BETTER if gain > 0 else Claim.WORSE)


def is_significant(p: float) -> bool:
    return p <= 1 - CONFIDENCE


def find_bar(ours: Arm, theirs: Arm) -> str:
    """Return why two arms have no verdict whatever the outcome; empty where they may have one."""
    if ours.stops_at_target:
        return "trials stop at the target; compare their steps"
    return protocol.find_bar(ours.standing, theirs.standing)


def find_edge_objection(loser: Arm, results: int) -> str:
    """Return why the loser of two arms may not have lost; empty for none.

    Args:
        results: tunings that it had at the look. These and all of its tunings have to object: what
            a look showed stands, and more tunings may show that the edge was chance.
    """
    return find_standing_objection(loser.standing, loser.standing.edges[:results])


def find_standing_objection(loser: Standing, first: tuple[tuple[Edge, ...], ...]) -> str:
    """Return why a side may not have lost, by its first tunings and by all of them."""
    if not protocol.find_edge_objection(replace(loser, edges=first)):
        return ""
    return protocol.find_edge_objection(loser)
