"""What a report claims of a row against the reference, as a value; text only at its edge."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.spec import protocol
from reports.analysis.arms import Side
from reports.analysis.difference import Difference
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
        p_holm: the difference's p after Holm's adjustment over all tests of the report.
    """
    if reference is None:
        return Verdict(Claim.NOT_TESTED)
    if ours is reference:
        return Verdict(Claim.REFERENCE)
    reason = withheld(ours, reference, difference, difference.gain, p_holm)
    return claim(p_holm, difference.gain, reason)


def claim(p_holm: float, gain: float, reason: str) -> Verdict:
    """What a test shows, unless there is a reason to withhold it."""
    if reason:
        return Verdict(Claim.WITHHELD, reason)
    if not is_shown(p_holm):
        return Verdict(Claim.UNCLEAR)
    return Verdict(Claim.BETTER if gain > 0 else Claim.WORSE)


def is_shown(p_holm: float) -> bool:
    """Whether a test found a difference."""
    return p_holm <= 1 - CONFIDENCE


def withheld(ours: Side, theirs: Side, difference: Difference, gain: float, p_holm: float) -> str:
    """Why nothing may be claimed of two sides of one comparison; empty where it may.

    Args:
        gain: positive where the claim would be for ours.
    """
    if reason := barred(ours, theirs, difference.pairs):
        return reason
    loser, winner = (theirs, ours) if gain >= 0 else (ours, theirs)
    if is_shown(p_holm):  # else nobody loses, so nobody could have won with a wider range
        reason = protocol.withhold_verdict(loser.standing, winner.standing, difference.pairs)
    unknown = math.isnan(difference.p) and not difference.broken
    if not reason and unknown and any(_luck_unknown(side) for side in (ours, theirs)):
        return "too few points finished to tell how much of the result is luck"
    return reason


def barred(ours: Side, theirs: Side, pairs: int) -> str:
    """Why two sides may not be compared whatever the outcome; empty where they may."""
    if ours.stops_at_target:
        return "trials stop at the target; compare their steps"
    first, second = (replace(side.standing, edges=()) for side in (ours, theirs))
    return protocol.withhold_verdict(first, second, pairs)


def _luck_unknown(side: Side) -> bool:
    return side.luck is not None and math.isnan(side.luck.value)
