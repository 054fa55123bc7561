"""The whole report code where there is nothing to find: one optimizer under two names."""

import numpy as np
import pytest

from reports import Study
from reports.verdict import Claim
from tests.reports import simulated

CLAIMS = {Claim.BETTER, Claim.WORSE}


def claims(records):
    """What the report says of the twin's rows."""
    (board,) = Study.of(records).leaderboards
    return {v.claim for v in board.rows.loc[board.rows["optimizer"] == "twin", "verdict"]}


def both_tuned(seed):
    random = np.random.default_rng(seed)
    return claims([*simulated.tuned("adam", random), *simulated.tuned("twin", random)])


def one_at_its_default(seed):
    random = np.random.default_rng(seed)
    default = simulated.reported("twin", random, None, simulated.BEST)
    return claims([*simulated.tuned("adam", random), *default])


def test_twins_are_seldom_told_apart():
    assert sum(bool(both_tuned(seed) & CLAIMS) for seed in range(1000, 1030)) <= 5


def test_a_default_against_a_tuned_twin_is_withheld():
    assert all(one_at_its_default(seed) == {Claim.WITHHELD} for seed in range(1000, 1015))


@pytest.mark.slow
def test_four_hundred_studies():
    assert sum(bool(both_tuned(seed) & CLAIMS) for seed in range(400)) <= 20
    assert all(one_at_its_default(seed) == {Claim.WITHHELD} for seed in range(400))
