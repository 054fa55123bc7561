"""The rules of a fair comparison, one by one."""

import math
from dataclasses import replace

import pytest

from bench.spec import Phase, protocol
from bench.spec.protocol import Standing
from tests.helpers.records import make_record

CONFIG = {
    "protocol_version": 1,
    "task": {"name": "digits"},
    "optimizer": {"name": "adam"},
    "schedule": {"name": "cosine"},
    "batch_size": 32,
    "seed": 3,
    "phase": "report",
}


def test_schedule_seed_and_phase_are_no_setting():
    assert protocol.setting(CONFIG) == {
        "protocol_version": 1,
        "task": {"name": "digits"},
        "batch_size": 32,
    }


def test_an_entrant_is_optimizer_times_schedule():
    assert protocol.entrant(CONFIG) == "adam+cosine"
    assert protocol.entrant(CONFIG | {"schedule": {"name": "constant"}}) == "adam"


def test_seeds_that_choose_never_report():
    tunings = range(protocol.MOST_TUNINGS)
    default = set(protocol.default_seeds(protocol.REPORTING_SEEDS))
    reported = {protocol.reporting_seed(repeat) for repeat in tunings}
    chosen = [protocol.selection_seeds(repeat, protocol.SEEDS_A_TUNING) for repeat in tunings]
    assert len({seed for own in chosen for seed in own}) == 100_000  # none is in two tunings
    assert len(reported) == 1000
    assert not default & reported
    assert not (default | reported) & {seed for own in chosen for seed in own}
    assert protocol.selection_seeds(3, 2) == [1_000_300, 1_000_301]
    assert protocol.reporting_seed(3) == 1003


def test_who_has_no_more_settings_is_compared():
    large = Standing("adam", results=8, settings=8, sampler="sobol")
    small = replace(large, name="mine", settings=3)
    assert "only equal tuning" in protocol.find_bar(large, small)
    assert protocol.find_bar(large, replace(small, exhausted=True)) == ""
    # an exhausted side is no excuse for the other one
    assert "only equal tuning" in protocol.find_bar(replace(large, exhausted=True), small)


def test_only_selection_keeps_the_test_split_shut():
    assert [protocol.opens_test(phase) for phase in Phase] == [True, False, True]


@pytest.mark.parametrize(("direction", "best"), [("maximize", 1), ("minimize", 0)])
def test_the_best_mean_is_chosen(direction, best):
    assert protocol.choose_point([[0.1, 0.2], [0.3, 0.4]], direction) == best


def test_a_point_that_broke_once_stands_behind_every_complete_one():
    assert (
        protocol.choose_point([[0.99, math.nan], [0.1, 0.1], [math.nan, math.nan]], "maximize") == 1
    )


def test_ties_go_to_the_first():
    assert protocol.choose_point([[0.5], [0.5]], "maximize") == 0


def test_steps_to_the_target_come_first_where_a_study_ranks_by_them():
    values, steps = [[0.99], [0.5], [0.6]], [[math.inf], [100.0], [100.0]]
    assert protocol.choose_point(values, "maximize", steps) == 2  # final values break the tie
    assert protocol.choose_point(values, "maximize") == 0
    missed = [[math.inf]] * 3
    assert protocol.choose_point(values, "maximize", missed) == 0


def test_edges_are_the_outer_tenth_of_the_declared_range_on_its_scale():
    space = {"lr": {"log": [1e-5, 1e-1]}, "momentum": {"linear": [0.0, 1.0]}}
    # a tenth of four decades from either end: 10**-4.6 and 10**-1.4
    low, high = ("lr", "low"), ("lr", "high")
    assert protocol.find_edges(space, {"lr": 10**-4.61, "momentum": 0.5}) == [low]
    assert protocol.find_edges(space, {"lr": 10**-4.59, "momentum": 0.91}) == [("momentum", "high")]
    both = protocol.find_edges(space, {"lr": 10**-1.39, "momentum": 0.09})
    assert both == [high, ("momentum", "low")]
    assert protocol.find_edges({"nesterov": {"choice": [True, False]}}, {"nesterov": True}) == []
    # 1 - beta in 10**-4 to 10**-1: beta = 0.92 lies at the low end of 0.9 to 0.9999
    beta = {"beta": {"one_minus": {"log": [1e-4, 1e-1]}}}
    assert protocol.find_edges(beta, {"beta": 0.92}) == [("beta", "low")]
    assert protocol.find_edges(beta, {"beta": 0.94}) == [("beta", "low")]
    assert protocol.find_edges(beta, {"beta": 0.96}) == []
    assert protocol.find_edges(beta, {"beta": 0.9999}) == [("beta", "high")]


LOW, HIGH = ("lr", "low"), ("lr", "high")


@pytest.mark.parametrize(
    ("tunings", "common"),
    [
        ([[LOW], [LOW], [], []], LOW),
        ([[LOW], [HIGH], [], []], None),  # two edges are no common one
        ([[LOW], [], []], None),
        ([[LOW, ("wd", "high")], [("wd", "high")], [LOW], [("wd", "high")]], ("wd", "high")),
        ([], None),
    ],
)
def test_an_edge_is_common_to_at_least_half_of_the_tunings(tunings, common):
    assert protocol.find_common_edge(tunings) == common


TUNED = Standing("lion", results=5, planned=5, settings=8, sampler="sobol")
ADAM = replace(TUNED, name="adam", results=10, planned=10)
SEEDS = Standing("adam", results=5)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (ADAM, TUNED, ""),
        (SEEDS, replace(SEEDS, name="lion"), ""),
        (ADAM, replace(TUNED, results=3, planned=3), "3 tunings of lion; at least 4 are needed"),
        (ADAM, replace(TUNED, planned=8), "5 of 8 tunings of lion are done"),
        (SEEDS, replace(SEEDS, results=4), "4 seeds of adam; at least 5 are needed"),
        (SEEDS, replace(SEEDS, results=1), "1 seed of adam; at least 5 are needed"),
        (
            SEEDS,
            TUNED,
            "lion was tuned with 8 settings, adam not at all: only equal tuning can be compared",
        ),
        (
            replace(ADAM, settings=1),
            TUNED,
            "lion was tuned with 8 settings, adam with 1: only equal tuning can be compared",
        ),
        (
            ADAM,
            replace(TUNED, chosen_on_reported_seeds=True),
            "the setting of lion was chosen on seeds that are reported",
        ),
        (
            replace(ADAM, sampler="tpe"),
            TUNED,
            "adam was tuned by tuning.sampler=tpe, lion by sobol: only equal tuning can be "
            "compared",
        ),
        (
            replace(ADAM, draw=1),
            TUNED,
            "adam was tuned once; a verdict needs 4 tunings or more. Run it too, in a new study "
            "with hydra/sweeper=study optimizer=…,adam",
        ),
        (ADAM, replace(TUNED, no_result="lion was skipped: no"), "lion was skipped: no"),
    ],
)
def test_no_verdict_has_its_reason(first, second, reason):
    assert protocol.find_bar(first, second) == reason


def test_a_loser_at_a_common_edge_may_not_have_lost():
    assert protocol.find_edge_objection(replace(ADAM, edges=((LOW,), ()))) == (
        "at least half of the tunings of adam end at the low edge of lr: widen its range"
    )
    assert protocol.find_edge_objection(replace(ADAM, edges=((LOW,), (), ()))) == ""


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([("finished", 0, 1.0), ("finished", 0, 2.0)], 1),  # run anew: the latest stands
        ([("finished", 1, 2.0), ("finished", 2, 1.0)], 1),  # the clock was set back
        ([("finished", 2, 1.0), ("finished", 0, 9e9)], 0),  # a record from a fast clock
        ([("diverged", 1, 2.0), ("finished", 1, 1.0)], 0),
        ([("finished", 1, 1.0), ("failed", 2, 2.0)], 0),  # a failure is no result
        ([("failed", 2, 1.0), ("skipped", 1, 2.0)], 1),
        ([("failed", 1, 2.0), ("failed", 2, 1.0)], 1),
    ],
)
def test_of_several_records_of_a_trial_one_stands(attempts, expected):
    records = [
        make_record(run_id=str(at), status=status, generation=generation, ended_at=ended_at)
        for at, (status, generation, ended_at) in enumerate(attempts)
    ]
    (record,) = protocol.select_records(records)
    assert record.run_id == str(expected)
    assert min(attempts, key=lambda one: protocol.rank_record(*one)) == attempts[expected]


def test_of_several_studies_the_first_that_did_not_fail_counts():
    early, late = (make_record(run_id=name, ended_at=at) for name, at in (("a", 1.0), ("b", 2.0)))
    failed = make_record(run_id="c", status="failed", ended_at=3.0)
    assert protocol.select_records([early], [late]) == [early]
    assert protocol.select_records([failed], [late]) == [late]


def test_steps_of_a_trial_that_did_not_finish_are_of_no_account():
    values, steps = [[math.nan, 0.9], [0.8, 0.8]], [[10.0, 10.0], [60.0, 60.0]]
    assert protocol.choose_point(values, "maximize", steps) == 1
    assert protocol.rank_point(values[0], "maximize", steps[0])[1] == math.inf
