"""What a report claims of a row against the reference, as a value; text only at its edge."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from bench import protocol
from reports.compare import Difference
from reports.sides import Kind, Side
from reports.stats.intervals import CONFIDENCE


class Claim(StrEnum):
    """What is said."""

    REFERENCE = "reference"
    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no difference shown"
    WITHHELD = "withheld"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Verdict:
    """A claim, and where none is made the reason."""

    claim: Claim
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.claim}: {self.reason}" if self.reason else str(self.claim)


def judge(ours: Side, reference: Side | None, difference: Difference, p_holm: float) -> Verdict:
    """The verdict on one row.

    Args:
        reference: None where the reference has no trial in the comparison.
        p_holm: the difference's p after Holm's adjustment over all comparisons of the report.
    """
    if reference is None:
        return Verdict(Claim.NOT_TESTED)
    if ours is reference:
        return Verdict(Claim.REFERENCE)
    if ours.trials["stop_at_target"].any():
        return Verdict(Claim.WITHHELD, "trials stop at the target; compare their steps")
    shown = p_holm <= 1 - CONFIDENCE
    reason = _withheld(ours, reference, difference, shown)
    if reason:
        return Verdict(Claim.WITHHELD, reason)
    if not shown:
        return Verdict(Claim.UNCLEAR)
    return Verdict(Claim.BETTER if difference.gain > 0 else Claim.WORSE)


def _withheld(ours: Side, reference: Side, difference: Difference, shown: bool) -> str:
    sides = (ours.standing, reference.standing)
    loser, winner = sides if difference.gain < 0 else sides[::-1]
    if not shown:  # nobody loses, so nobody could have won with a wider range
        loser = replace(loser, edges=())
    if reason := protocol.withheld(loser, winner, difference.pairs):
        return reason
    tuned = Kind.TUNED in (ours.kind, reference.kind)
    if tuned and not difference.broken and math.isnan(difference.p) and _luck_unknown(ours):
        return "too few points finished to tell how much of the result is luck"
    return ""


def _luck_unknown(side: Side) -> bool:
    return side.luck is not None and math.isnan(side.luck.value)
