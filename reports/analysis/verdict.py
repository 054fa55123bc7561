"""The verdict on a row against the reference, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.spec import protocol
from reports.analysis.arms import Arm
from reports.analysis.difference import Difference
from reports.stats.intervals import CONFIDENCE


class Claim(StrEnum):
    """The kinds of verdict."""

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


def judge(ours: Arm, reference: Arm | None, difference: Difference, p_holm: float) -> Verdict:
    """Give the verdict on one row.

    Args:
        reference: None where the reference has no trial under this setting.
        p_holm: the difference's p after Holm's adjustment over all tests of the report.
    """
    if reference is None:
        return Verdict(Claim.NOT_TESTED)
    if ours is reference:
        return Verdict(Claim.REFERENCE)
    reason = find_objection(ours, reference, difference, difference.gain, p_holm)
    return make_verdict(p_holm, difference.gain, reason)


def make_verdict(p_holm: float, gain: float, reason: str) -> Verdict:
    """Turn a test into a verdict, unless there is a reason to withhold it."""
    if reason:
        return Verdict(Claim.WITHHELD, reason)
    if not is_significant(p_holm):
        return Verdict(Claim.UNCLEAR)
    return Verdict(Claim.BETTER if gain > 0 else Claim.WORSE)


def is_significant(p: float) -> bool:
    return p <= 1 - CONFIDENCE


def find_objection(
    ours: Arm, theirs: Arm, difference: Difference, gain: float, p_holm: float
) -> str:
    """Say why nothing may be claimed of two arms under one setting; empty where it may.

    Args:
        gain: positive where the claim would be for ours.
    """
    if reason := find_bar(ours, theirs, difference.pairs):
        return reason
    loser, winner = (theirs, ours) if gain >= 0 else (ours, theirs)
    if is_significant(p_holm):  # else nobody loses, so nobody could have won with a wider range
        reason = protocol.withhold_verdict(loser.standing, winner.standing, difference.pairs)
    unknown = math.isnan(difference.p) and not difference.has_failures
    variances = [arm.tuning_variance for arm in (ours, theirs) if arm.tuning_variance]
    if not reason and unknown and any(math.isnan(variance.value) for variance in variances):
        return "too few points finished to tell how much of the result is luck"
    return reason


def find_bar(ours: Arm, theirs: Arm, pairs: int) -> str:
    """Say why two arms may not be compared whatever the outcome; empty where they may."""
    if ours.stops_at_target:
        return "trials stop at the target; compare their steps"
    first, second = (replace(arm.standing, edges=()) for arm in (ours, theirs))
    return protocol.withhold_verdict(first, second, pairs)
