import math

import pytest

from bench.spec import RefusedInput
from bench.spec.search_space import count_settings, dimensions, find_outside


def one(**declared):
    (dimension,) = dimensions({"x": declared})
    return dimension


def test_dimensions_come_in_the_order_of_names():
    space = {"lr": {"log": [1e-3, 1.0]}, "betas.1": {"one_minus": {"log": [1e-3, 0.1]}}}
    assert [one.name for one in dimensions(space)] == ["betas.1", "lr"]


def test_values_on_each_scale():
    log = one(log=[1e-4, 1.0])
    assert [log.value(unit) for unit in (0, 0.25, 0.5, 1)] == [1e-4, 1e-3, 1e-2, 1.0]
    linear = one(linear=[0.5, 0.9])
    assert [linear.value(unit) for unit in (0, 0.5, 1)] == [0.5, 0.7, 0.9]
    beta = one(one_minus={"log": [1e-3, 1e-1]})
    assert [beta.value(unit) for unit in (0, 0.5, 1)] == [0.999, 0.99, 0.9]


def test_whole_ends_give_whole_numbers():
    drawn = [one(linear=[1, 4]).value(unit / 10) for unit in range(11)]
    assert drawn == [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4]
    assert all(isinstance(value, int) for value in drawn)
    assert one(log=[1, 100]).value(0.5) == 10


def test_a_choice_gives_each_option_an_equal_part():
    choice = one(choice=[True, "adam", None])
    units = (0, 0.33, 0.34, 0.66, 0.67, 0.999)
    assert [choice.value(unit) for unit in units] == [True, True, "adam", "adam", None, None]
    assert math.isnan(choice.unit("adam"))


def test_drawn_values_have_four_digits_and_stay_inside():
    assert one(linear=[0.0, 1.0]).value(1 / 3) == 0.3333
    assert one(log=[1.23456e-5, 2e-5]).value(0) >= 1.23456e-5


@pytest.mark.parametrize(
    "declared",
    [
        {"log": [1e-5, 1e-1]},
        {"linear": [-2.0, 3.0]},
        {"one_minus": {"log": [1e-3, 0.1]}},
        {"one_minus": {"linear": [0.01, 0.5]}},
    ],
)
@pytest.mark.parametrize("unit", [0.0, 0.1, 0.5, 0.95, 1.0])
def test_a_value_lies_where_it_was_drawn(declared, unit):
    dimension = one(**declared)
    assert dimension.unit(dimension.value(unit)) == pytest.approx(unit, abs=1e-3)


def test_what_lies_outside_is_told_so():
    assert one(log=[0.01, 1.0]).unit(0.0) == -math.inf
    assert one(log=[0.01, 1.0]).unit(10.0) == pytest.approx(1.5)
    assert one(linear=[0, 10]).unit(-5) == -0.5


@pytest.mark.parametrize(
    ("declared", "remedy"),
    [
        ([1, 2], r"write one of \{log: \[LOW, HIGH\]\}"),
        ({}, r"write one of"),
        ({"log": [1, 2], "linear": [1, 2]}, r"write one of"),
        ({"uniform": [0, 1]}, r"'uniform' is no scale; use log, linear, choice, one_minus"),
        ({"log": 3}, r"log takes a list of at least two values"),
        ({"choice": "ab"}, r"choice takes a list of at least two values"),
        ({"choice": [1]}, r"choice takes a list of at least two values"),
        ({"linear": [1, 2, 3]}, r"linear takes two numbers"),
        ({"linear": ["a", "b"]}, r"linear takes two numbers"),
        ({"linear": [False, True]}, r"linear takes two numbers"),
        ({"linear": [0, math.inf]}, r"linear takes two numbers"),
        ({"linear": [2, 1]}, r"LOW has to be less than HIGH"),
        ({"log": [1.0, 1.0]}, r"LOW has to be less than HIGH"),
        ({"log": [0, 1]}, r"has to be positive; use linear"),
        ({"one_minus": {"choice": [1, 2]}}, r"one_minus takes \{log: …\} or \{linear: …\}"),
        ({"one_minus": {"one_minus": {"log": [1, 2]}}}, r"one_minus takes"),
    ],
)
def test_what_breaks_the_grammar_is_refused(declared, remedy):
    with pytest.raises(RefusedInput, match=rf"search_space\.weight_decay: .*{remedy}") as refused:
        dimensions({"weight_decay": declared})
    assert str(declared) in str(refused.value)


def test_a_range_holds_its_ends_and_nothing_beyond():
    space = {
        "lr": {"log": [1e-5, 1e-1]},
        "betas.1": {"one_minus": {"log": [1e-3, 0.1]}},
        "momentum": {"linear": [0.5, 0.9]},
        "nesterov": {"choice": [True, False]},
    }
    inside = {"lr": 1e-1, "betas.1": 0.999, "momentum": 0.5, "nesterov": False}
    assert find_outside(space, inside) == []
    assert find_outside(space, inside | {"lr": 1e-5, "betas.1": 0.9, "momentum": 0.9}) == []
    outside = {
        "lr": (0.0, -1.0, 0.11, 9e-6, math.nan, math.inf, None, True, "1e-3"),
        "betas.1": (0.89, 0.9995, 1.0),
        "momentum": (0, 1),
        "nesterov": (None, "yes"),
    }
    for name, values in outside.items():
        for value in values:
            assert [one.name for one in find_outside(space, inside | {name: value})] == [name]
    del inside["lr"]
    assert [one.name for one in find_outside(space, inside)] == ["lr"]


def test_settings_of_a_space_are_counted():
    choices, whole = {"choice": [1e-3, 1e-2, 1e-2]}, {"linear": [2, 5]}
    assert count_settings({"lr": choices}) == 2
    assert count_settings({"lr": choices, "k": whole}) == 8
    assert count_settings({"k": {"log": [1, 10]}}) == 10
    assert count_settings({"lr": {"log": [1e-3, 1e-2]}, "k": whole}) == math.inf
