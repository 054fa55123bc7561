"""Reports of equal optimizers on landscapes of real trials: what chance alone makes them claim."""

from __future__ import annotations

import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest
from scipy import stats

from reports.analysis.study import Study
from reports.pages.pools import load_landscapes
from reports.pages.simulated_reports import load_league, simulate_equals, simulate_league
from reports.pages.simulation import REFERENCE, SHOWN, Design, draw_equals, make_study, spread_out
from reports.pages.validity import DEFAULT
from tests.helpers.studies import tunings

SMALL = Design(5, 10, 8)


def share_of_reports_with_a_claim(count, **options):
    """Of simulated reports of 16 equal optimizers on 8 tasks."""
    simulate = partial(simulate_equals, 0, design=DEFAULT, **options)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return np.mean([any(one) for one in pool.map(simulate, range(count), chunksize=10)])


@pytest.mark.parametrize(("design", "count"), [(SMALL, 60), (DEFAULT, 25)], ids=str)
def test_equal_optimizers_claim_something_in_few_reports(design, count):
    """Of so many reports, as many as a rate of 5 % exceeds once in a hundred times."""
    claims = sum(any(simulate_equals(7, number, design=design)) for number in range(count))
    assert claims <= stats.binom.ppf(0.99, count, 0.05)


@pytest.mark.slow
def test_of_2000_reports_too():
    assert share_of_reports_with_a_claim(2_000) <= 0.05


@pytest.mark.slow
def test_with_unequal_spreads_at_most_six_in_a_hundred_of_2000_reports_claim_something():
    assert share_of_reports_with_a_claim(2_000, ratio=2) <= 0.06


def draw_results(seed):
    """Draw a small report; in half of them one optimizer is better and one always diverges."""
    random, design = np.random.default_rng([8, seed]), Design(4, 8, 4)
    known = list(load_landscapes().values())
    chosen = [known[at] for at in random.choice(len(known), 3)]
    results = dict(draw_equals(chosen, design, random, (REFERENCE, "b", "c", "d")))
    if seed % 2:
        results |= {(name, at): x + 0.5 for (name, at), x in results.items() if name == "b"}
        results |= {(name, at): x - math.inf for (name, at), x in results.items() if name == "c"}
    return results, design


def record(results, design):
    """Record results as the trials of a study would be."""
    records = []
    for (name, task), values in results.items():
        ended = [None if math.isinf(value) else float(value) for value in values]
        records += tunings(name, ended, tried=design.settings, task=f"task{task}")
    return records


def check_that_both_paths_agree(seed):
    """From results to verdicts directly, and through records and ``Study``."""
    results, design = draw_results(seed)
    direct, recorded = make_study(results, design), Study.of(record(results, design))
    rows = {
        (row.arm.entrant, f"{row.arm.trials['task'].iloc[0]}".removeprefix("task")): row
        for board in recorded.leaderboards
        for row in board.rows
    }
    assert {key: row.verdict.claim for key, row in rows.items()} == direct.row_verdicts
    columns = ["ours", "theirs", "tasks", "improvement", "low", "high", "p", "p_holm", "claim"]
    ours, theirs = (
        one.pairs[columns].sort_values(["ours", "theirs"]) for one in (direct, recorded)
    )
    assert ours.to_csv(index=False, float_format="%.9g") == theirs.to_csv(
        index=False, float_format="%.9g"
    )
    assert recorded.leaderboards[0].tests == len(direct.pair_verdicts) + len(rows) - 3
    claims = SHOWN & set(direct.row_verdicts.values()) | SHOWN & set(direct.pair_verdicts.values())
    assert bool(claims) == bool(seed % 2)


@pytest.mark.parametrize("seed", [0, 1])
def test_records_and_results_lead_to_the_same_verdicts(seed):
    check_that_both_paths_agree(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 20))
def test_records_and_results_lead_to_the_same_verdicts_in_more_reports(seed):
    check_that_both_paths_agree(seed)


@pytest.mark.parametrize("design", [SMALL, DEFAULT], ids=str)
def test_no_interval_contradicts_its_verdict(design):
    for seed in range(2):
        random = np.random.default_rng(seed)
        equal = draw_equals(list(load_landscapes().values())[:8], design, random, ["adam", *"bcd"])
        for results in (equal, spread_out(draw_finite(design, random), random, 16)):
            assert make_study(results, design).find_contradictions() == []
    league = {
        (name, task): one.tune(random, design.settings, design.count(name))
        for (name, task), one in load_league().items()
    }
    assert make_study(league, design).find_contradictions() == []


def draw_finite(design, random):
    known = [one for name, one in load_landscapes().items() if name.startswith("digits")]
    return draw_equals(known[:4], design, random, ["adam", *"bcd"])


def test_the_default_design_shows_at_least_30_rows_and_6_overall_of_the_league():
    found = np.mean([simulate_league(9, number, design=DEFAULT) for number in range(4)], axis=0)
    assert found[0] >= 30
    assert found[1] >= 6
