"""The rules of a fair comparison, one by one."""

import math

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
    assert protocol.find_edges(space, {"lr": 10**-4.61, "momentum": 0.5}) == ["lr"]
    assert protocol.find_edges(space, {"lr": 10**-4.59, "momentum": 0.91}) == ["momentum"]
    assert protocol.find_edges(space, {"lr": 10**-1.39, "momentum": 0.09}) == ["lr", "momentum"]
    assert protocol.find_edges({"nesterov": {"choice": [True, False]}}, {"nesterov": True}) == []


TUNED = Standing("lion", 8, sampler="sobol")
ADAM = Standing("adam", 8, sampler="sobol")


@pytest.mark.parametrize(
    ("loser", "winner", "pairs", "reason"),
    [
        (ADAM, TUNED, 10, ""),
        (ADAM, TUNED, 4, "4 pairs of seeds, 5 are needed"),
        (ADAM, TUNED, 1, "1 pair of seeds, 5 are needed"),
        (
            Standing("adam", 0),
            TUNED,
            10,
            "not comparable: lion tuned with 8 points, adam at its default",
        ),
        (
            Standing("lion", 60),
            Standing("adam", 1),
            10,
            "not comparable: lion tuned with 60 points, adam with 1",
        ),
        (
            ADAM,
            Standing("lion", 8, chosen_on_reported_seeds=True),
            10,
            "lion was chosen on seeds that are reported",
        ),
        (
            Standing("adam", 8, sampler="tpe"),
            TUNED,
            10,
            "not comparable: points of lion drawn by sobol, of adam by tpe",
        ),
        (Standing("adam", 8, ("lr",)), TUNED, 10, "adam stands at the edge of its range of lr"),
        (ADAM, Standing("lion", 8, ("lr",)), 10, ""),  # a winner at an edge is only marked
    ],
)
def test_verdicts_are_withheld(loser, winner, pairs, reason):
    assert protocol.withhold_verdict(loser, winner, pairs) == reason


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
