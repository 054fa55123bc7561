"""Declared plans: what a store and a baseline keep, and what they count."""

import json

import pytest

from bench.spec.declared import DeclaredPlan, check_plan, count_planned, find_latest, parse_plan
from bench.spec.shape import WrongShape

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
