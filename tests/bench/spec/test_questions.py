"""The number of tests of a report, counted by hand."""

import pytest

from bench.spec.questions import Cell, list_questions

DESIGN = (8, "sobol", 2, 0)


def cell(optimizer, task="a", *, schedule="", tunings=5, seeds=10, design=DESIGN, own=True):
    return Cell(task, optimizer + schedule, optimizer, tunings, design, seeds, own)


def sizes(cells, reference="adam"):
    return sorted(one.sizes for one in list_questions(cells, reference))


def count(cells, reference="adam"):
    return len(list_questions(cells, reference))


def test_on_one_task_a_pair_with_the_reference_is_its_row():
    cells = [cell("adam", tunings=10), cell("lion"), cell("sgd")]
    # 2 tuned rows, 2 default rows, and lion against sgd
    assert sizes(cells) == [((5, 5),), ((5, 10),), ((5, 10),), ((10, 10),), ((10, 10),)]


def test_over_two_tasks_pairs_are_questions_of_their_own():
    cells = [cell(name, task) for name in ("adam", "lion", "sgd") for task in "ab"]
    # 4 tuned rows, 4 default rows, 2 overall and 1 pair
    assert count(cells) == 4 + 4 + 3
    assert sizes(cells)[-1] == ((10, 10),)
    assert sum(len(one) == 2 for one in sizes(cells)) == 3


def test_without_a_reference_the_pairs_are_all():
    cells = [cell(name, task) for name in ("adamw", "lion", "sgd") for task in "ab"]
    assert count(cells, "") == 3
    assert count(cells, "adam") == 3


def test_several_schedules_are_compared_with_one_of_the_reference():
    cells = [cell("adam"), cell("adam", schedule="+cosine"), cell("lion")]
    # rows: 2 tuned, 2 default; pairs: 3, of which two are rows
    assert count(cells) == 2 + 2 + 1


def test_what_cannot_have_a_verdict_is_not_asked():
    assert count([cell("adam", tunings=10), cell("lion", tunings=3)]) == 1  # the default row
    assert count([cell("adam"), cell("lion", seeds=4)]) == 1
    assert count([cell("adam"), cell("lion", design=(4, "sobol", 2, 0), seeds=0)]) == 0
    assert count([cell("adam"), cell("lion", design=(8, "random", 2), seeds=0)]) == 0
    old = (8, "sobol", 1)
    assert count([cell("adam", design=old, seeds=0), cell("lion", design=old, seeds=0)]) == 0


def test_an_optimizer_without_a_space_is_not_held_against_a_tuned_one():
    assert count([cell("adam"), cell("plain", tunings=0)]) == 0
    assert count([cell("adam", tunings=0), cell("plain", tunings=0)]) == 1


@pytest.mark.parametrize("own", ["lion", "adam"])
def test_beside_a_baseline_a_study_asks_about_its_own(own):
    names = ("adam", "lion", "sgd", "muon")
    cells = [cell(name, seeds=0, own=name == own) for name in names]
    assert count(cells) == 3  # of 6
    mine = [cell("adam", seeds=0), cell("lion", seeds=0)]
    rest = [cell(name, seeds=0, own=False) for name in ("sgd", "muon")]
    assert count([*mine, *rest]) == 3  # adam is what lion is compared with


def test_tasks_that_only_one_ran_are_no_part_of_a_pair():
    cells = [cell("adam", "a"), cell("adam", "b"), cell("lion", "a")]
    assert sizes(cells) == [((5, 5),), ((10, 10),)]
