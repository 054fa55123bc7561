"""Simulated studies that are enlarged, and that stop where rows are decided."""

from __future__ import annotations

import numpy as np
import pytest

from reports.pages import enlarging
from reports.pages.enlarging import (
    LOOKS,
    STOPPING,
    Enlarged,
    enlarge,
    simulate_enlarged_equals,
    simulate_twins,
    tabulate_enlarging,
    tabulate_stopping,
)
from reports.pages.simulation import Design

SMALL = (Design(4, 8, 8), Design(6, 12, 8), Design(8, 16, 8))


def draw(better, tasks=2, ours=8, theirs=16):
    """Results of an optimizer that is better on each task by so much, and of the reference."""
    random = np.random.default_rng(4)
    results = {}
    for task, gain in zip(range(tasks), better, strict=True):
        results["lion", str(task)] = random.normal(size=ours) + gain
        results["adam", str(task)] = random.normal(size=theirs)
    return results


def test_a_decided_row_gets_no_more_tunings():
    found = enlarge(draw([50, 0]), SMALL, stops=True)
    assert found.claims["lion", "0"] == 0
    assert ("lion", "1") not in found.claims
    assert found.trials == (4 + 8 + 8 + 16) * 9 + 4 * 10
    assert enlarge(draw([50, 0]), SMALL).trials == (8 + 16) * 2 * 9 + 4 * 10


def test_a_study_ends_where_all_rows_are_decided():
    found = enlarge(draw([50, -50]), SMALL, stops=True)
    assert set(found.claims.values()) == {0}
    assert found.trials == (4 + 8) * 2 * 9 + 4 * 10


def test_a_reference_goes_on_while_one_of_its_opponents_is_undecided():
    results = draw([50, 50])
    results |= {("sgd", task): results["adam", task][:8] for task in "01"}
    assert enlarge(results, SMALL, stops=True).trials == ((8 + 16 + 4) * 2) * 9 + 6 * 10


def test_a_claim_of_an_earlier_look_stands():
    results = draw([50, 0])
    results["lion", "0"][4:] = results["adam", "0"][8:12]  # mixed with the reference from then on
    found = enlarge(results, SMALL)
    assert found.claims["lion", "0"] == 0
    assert ("lion", "0") not in enlarge(results, SMALL[-1:]).claims


def test_a_later_look_spends_less():
    results = draw([0, 0])
    # p is .005, between 4 % and .25 % of three questions; less is seen before the end
    results["lion", "0"] = np.array([8.5, 10.5, 12.5, 13.5, 14.5, 15.5, 15.6, 15.7])
    results["adam", "0"] = np.arange(16.0)[::-1]
    once = enlarge(results, SMALL[-1:])
    later = enlarge(results, SMALL)
    assert ("lion", "0") in once.claims
    assert ("lion", "0") not in later.claims


def test_few_enlarged_studies_of_equals_claim_anything():
    looks = (Design(4, 8, 4), Design(5, 10, 4), Design(6, 12, 4))
    for stops in (False, True):
        found = [simulate_enlarged_equals(2, n, looks=looks, stops=stops) for n in range(2)]
        assert not all(one.claims for one in found)
    assert simulate_twins(1, 0, looks=looks, stops=True) == set()


@pytest.mark.slow
def test_three_enlargings_of_500_studies_of_equals():
    found = [simulate_enlarged_equals(0, number, looks=LOOKS) for number in range(500)]
    assert np.mean([bool(one.claims) for one in found]) <= 0.05


def test_the_tables(monkeypatch):
    found = [Enlarged({("lion", "0"): 1}, 100), Enlarged({}, 100)]
    monkeypatch.setattr(enlarging, "run", lambda *_: found)
    shares = [row["claims so far, of 2 reports"] for row in tabulate_enlarging(2, 0)]
    assert shares == ["0.0%", "50.0%", "50.0%", "50.0%"]
    rows = [4.5, *range(len(enlarging.FIXED))]
    trials = [800.0, *(100.0 * at + 500 for at in range(len(enlarging.FIXED)))]
    monkeypatch.setattr(enlarging, "run", lambda *_: [np.array([rows, trials])])
    first = next(tabulate_stopping(1, 0))
    assert first["trials of the fixed design"] == "950"
    assert (first["trials until decided"], first["saved"]) == ("800", "16%")


def test_stopping_is_compared_with_designs_of_the_same_results():
    assert enlarging.FIXED[-1] == STOPPING[-1]
    (rows, trials) = enlarging.simulate_stopping(0, 0, optimizers=1)
    assert len(rows) == len(trials) == 1 + len(enlarging.FIXED)
    assert trials[0] <= trials[-1]
    assert rows[-1] <= 8
