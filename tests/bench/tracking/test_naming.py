"""What a person reads of a trial in MLflow's lists."""

import dataclasses

import pytest

from bench.spec import Component, Phase, TrialOrigin, Tuning
from bench.tracking.naming import name_curve, name_run
from tests.helpers.specs import trial_spec

COSINE = Component("cosine", "bench.schedules.cosine")
TUNING = Tuning({"lr": {"log": [1e-4, 1.0]}}, "sobol", 3, 8)


def spec(phase=Phase.EXPLORE, index=None, **keywords):
    tuning = dataclasses.replace(TUNING, index=index) if phase is not Phase.EXPLORE else None
    return dataclasses.replace(trial_spec(**keywords), phase=phase, origin=TrialOrigin(tuning))


def test_a_name_cut_at_25_characters_still_says_seed_entrant_and_rate():
    one = spec(seed=3, point={"lr": 0.0031622776601683794, "weight_decay": 0.1})
    assert name_run(one) == "s3 adam lr=0.00316, weight_decay=0.1 digits"
    assert name_run(one)[:25] == "s3 adam lr=0.00316, weigh"
    assert name_run(spec(schedule=COSINE)) == "s0 adam+cosine default digits"


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (spec(), "adam · digits"),
        (spec(schedule=COSINE), "adam+cosine · digits"),
        (spec(point={"lr": 0.01, "nesterov": True}), "adam · lr=0.01, nesterov=True · digits"),
        (spec(Phase.SELECT, 2, point={"lr": 1e-5}), "adam · tuning lr=1e-05 · digits"),
        (spec(Phase.SELECT), "adam · tuning default · digits"),
        (spec(Phase.REPORT), "adam · default · digits"),
        (spec(Phase.REPORT, 2, point={"lr": 1e-5}), "adam · tuned · digits"),
    ],
)
def test_trials_that_differ_in_their_seed_alone_share_a_curve(one, name):
    assert name_curve(one) == name
    assert name_curve(dataclasses.replace(one, seed=one.seed + 1)) == name


def test_all_repeats_of_a_tuning_are_one_curve():
    first = spec(Phase.REPORT, 2, point={"lr": 0.1})
    other = spec(Phase.REPORT, 5, point={"lr": 0.2})
    assert name_curve(first) == name_curve(other)
