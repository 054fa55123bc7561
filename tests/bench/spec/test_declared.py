"""Declared plans: what a store and a baseline keep, and what they count."""

import json

import pytest

from bench.spec import Phase, Tuning, digest
from bench.spec.declared import (
    DeclaredPlan,
    check_plan,
    count_planned,
    find_latest,
    list_added,
    measure_progress,
    parse_plan,
)
from bench.spec.protocol import setting
from bench.spec.shape import WrongShape
from tests.helpers.records import make_record

ENTRANT = {
    **{"task": "digits", "optimizer": "adam", "schedule": "constant", "setting": "a"},
    **{"steps": 10, "settings": 4, "tunings": 4, "select": 16, "report": 14, "space": {}},
}
OLD = {
    **{"points": 2, "tuning_seeds": 3, "repeats": 2, "reporting_seeds": 10},
    "entrants": [
        {"task": "digits", "optimizer": "adam", "schedule": "constant", "points": 4},
        {"task": "digits", "optimizer": "plain", "schedule": "constant", "points": 0},
    ],
}


def plan(number, *entrants, reference="adam"):
    content = {"reference": reference, "entrants": [{**ENTRANT, **one} for one in entrants]}
    return DeclaredPlan(number, 1, 0.0, check_plan(content, "plan"))


def test_several_commands_count_together():
    assert count_planned([]) == {"select": 0, "report": 0}
    first, second = plan(1, {}), plan(2, {"task": "langid"}, {"setting": "b", "select": 8})
    assert count_planned([first, second]) == {"select": 16 + 16 + 8, "report": 3 * 14}


def test_an_entrant_counts_once_by_its_largest_plan():
    plans = [plan(1, {"select": 32, "report": 18}), plan(2, {}), plan(3, {"report": 20})]
    assert count_planned(plans) == {"select": 32, "report": 20}


def test_the_plan_of_an_older_version_counts_as_it_was_made():
    old = DeclaredPlan(0, 0, 0.0, parse_plan(json.dumps(OLD)))
    assert old.reference == ""
    assert count_planned([old]) == {"select": 4 * 3, "report": 3 * 10 + 10}
    new = plan(1, {"optimizer": "plain", "select": 0, "report": 12})  # stands for the older one's
    assert count_planned([old, new]) == {"select": 12, "report": 30 + 12}
    assert check_plan(dict(old.content), "plan") == old.content  # as a baseline has it


def report(optimizer="adam", seed=0, index=None, status="finished"):
    tuning = Tuning({}, "sobol", 0, 4, index=index, repeat=max(0, seed - 1000), draw=2)
    options = {"seed": seed, "status": status, "phase": Phase.REPORT, "tuning": tuning}
    return make_record(optimizer=optimizer, **options)


def test_progress_is_of_the_latest_plan_of_each_optimizer():
    key = digest(setting(report().config))
    one = {"setting": key, "report": 3}
    records = [report(), report(seed=1), report(seed=1000, index=2)]
    assert measure_progress([plan(1, one)], records) == (3, 3)
    assert measure_progress([plan(1, one)], records[:2]) == (2, 3)
    # enlarged: two are missing; a plan that asks for less stands for the one before it
    assert measure_progress([plan(1, one), plan(2, {**one, "report": 5})], records) == (3, 5)
    assert measure_progress([plan(2, one), plan(1, {**one, "report": 5})], records) == (3, 3)
    # of another optimizer nothing has run, and one whose setting is another has no trial
    lion = {**one, "optimizer": "lion"}
    assert measure_progress([plan(1, one), plan(2, lion)], records) == (3, 6)
    assert measure_progress([plan(1, {"report": 3})], records) == (0, 3)


def test_a_trial_that_failed_has_ended_and_one_that_ran_twice_counts_once():
    one = {"setting": digest(setting(report().config)), "report": 2}
    records = [report(status="failed"), report(), report(seed=1, status="diverged")]
    assert measure_progress([plan(1, one)], records) == (2, 2)
    selecting = [make_record(phase=Phase.SELECT, tuning=report().tuning)]
    assert measure_progress([plan(1, one)], selecting) == (0, 2)


def test_progress_leaves_out_what_an_older_version_declared():
    old = DeclaredPlan(0, 0, 0.0, parse_plan(json.dumps(OLD)))
    assert measure_progress([old], []) == (0, 0)


def test_who_joined_later():
    assert list_added([]) == []
    assert list_added([plan(1, {})]) == []
    joined = [plan(2, {"optimizer": "lion"}, {"optimizer": "adam"}), plan(1, {})]
    assert list_added(joined) == ["lion"]


def test_the_latest_is_the_one_of_the_greatest_number():
    assert find_latest([]) is None
    assert find_latest([plan(2, reference="sgd"), plan(1)]).reference == "sgd"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ([], "plan"),
        ({}, "plan.entrants"),
        ({"reference": 3, "entrants": []}, "plan.reference"),
        ({"reference": "", "entrants": [3]}, "plan.entrants"),
        ({"reference": "", "entrants": [{**ENTRANT, "select": -1}]}, r"plan.entrants\[0\].select"),
        ({**OLD, "repeats": "x"}, "plan.repeats"),
        ({**OLD, "entrants": [{"points": True}]}, r"plan.entrants\[0\].points"),
    ],
)
def test_another_shape_is_named_by_its_key(content, key):
    with pytest.raises(WrongShape, match=key):
        check_plan(content, "plan")
