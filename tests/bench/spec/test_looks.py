"""What a look is, and what it spends."""

import pytest

from bench.spec.looks import Ended, list_looks, spend


def arm(*commands):
    """Results of commands in order, each as (number of results, declared, generation)."""
    return [Ended(number, planned) for count, planned, number in commands for _ in range(count)]


def test_the_looks_spend_five_percent_together():
    assert [spend(look) for look in range(4)] == pytest.approx([0.04, 0.005, 0.0025, 0.00125])
    assert sum(spend(look) for look in range(60)) == pytest.approx(0.05)


def test_one_plan_is_one_look():
    assert list_looks([arm((10, 10, 1)), arm((20, 20, 1))]) == [(10, 20)]


def test_each_plan_that_ended_is_a_look():
    ours = arm((5, 5, 1), (5, 10, 2), (10, 20, 3))
    theirs = arm((10, 10, 1), (10, 20, 2), (20, 40, 3))
    assert list_looks([ours, theirs]) == [(5, 10), (10, 20), (20, 40)]


def test_an_interrupted_plan_is_no_look():
    # the first command was killed after 3 of 5; the second goes on
    assert list_looks([arm((3, 5, 1), (2, 5, 2)), arm((10, 10, 1))]) == [(5, 10)]
    # it was enlarged before it had ended: nobody saw a verdict
    assert list_looks([arm((3, 5, 1), (7, 10, 2)), arm((20, 20, 2))]) == [(10, 20)]
    # one side was late
    assert list_looks([arm((5, 5, 1), (5, 10, 2)), arm((7, 10, 1), (13, 20, 2))]) == [(10, 20)]


def test_a_result_that_came_later_delays_the_look():
    late = [Ended(1, 5), Ended(3, 5), Ended(1, 5), Ended(1, 5), Ended(1, 5)]  # one ran again
    assert list_looks([late, arm((10, 10, 1))]) == [(5, 10)]
    assert list_looks([late[:1] * 5, arm((10, 10, 1))]) == [(5, 10)]


def test_an_optimizer_that_joins_later_was_not_looked_at_before():
    theirs = arm((10, 10, 1), (10, 20, 2))
    assert list_looks([arm((10, 10, 3)), theirs]) == [(10, 20)]


def test_without_a_declared_number_only_all_results_are_a_look():
    assert list_looks([arm((5, 0, 1), (5, 0, 2)), arm((10, 0, 1))]) == [(10, 10)]


def test_too_few_results_spend_nothing():
    ours, theirs = arm((3, 3, 1), (3, 6, 2)), arm((6, 6, 1), (6, 12, 2))
    assert list_looks([ours, theirs], least=4) == [(6, 12)]


def test_nothing_is_no_look():
    assert list_looks([[], arm((5, 5, 1))]) == []
