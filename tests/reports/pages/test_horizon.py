"""reports/pages/horizon.py: how well two orders agree, of orders that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports import Study
from reports.pages import horizon
from tests.helpers.studies import Landscape, study

NAMES = ["adam", "sgd", "lion", "muon", "soap"]


def table(means: list[float], spread: float = 0.01, sign: float = 1.0) -> horizon.Scores:
    """Results of five optimizers, of the first twice as many as of the others."""
    numbers = np.random.default_rng(0)
    counts = [20, 10, 10, 10, 10]
    return {
        name: sign * (mean + spread * numbers.standard_normal(n))
        for name, mean, n in zip(NAMES, means, counts, strict=True)
    }


def test_agreement_is_kendalls_and_knows_what_seeds_can_turn() -> None:
    apart = table([0.1, 0.2, 0.3, 0.4, 0.5])
    assert horizon.measure_agreement(apart, apart).estimate == pytest.approx(1)
    assert horizon.measure_agreement(
        apart, table([0.1, 0.2, 0.3, 0.4, 0.5], sign=-1.0)
    ).estimate == pytest.approx(-1)
    other = table([0.2, 0.1, 0.3, 0.5, 0.4])
    expected = stats.kendalltau([1, 2, 3, 4, 5], [2, 1, 3, 5, 4]).statistic
    assert horizon.measure_agreement(apart, other).estimate == pytest.approx(expected)
    noisy = horizon.measure_agreement(table([0.3] * 5, spread=1.0), apart)
    assert noisy.low < noisy.estimate < noisy.high and noisy.high - noisy.low > 0.5


def test_who_broke_off_is_last() -> None:
    broken = table([0.1, 0.2, 0.3, 0.4, 0.5])
    broken["soap"][3] = -np.inf
    assert horizon.measure_agreement(
        broken, table([0.2, 0.3, 0.4, 0.5, 0.1])
    ).estimate == pytest.approx(1)


def test_the_page_of_a_study_of_two_entrants() -> None:
    numbers = np.random.default_rng(0)
    trials = study("adam", Landscape(), numbers, repeats=10) + study(
        "lion", Landscape(best=1e-3), numbers
    )
    found = horizon.collect_scores(Study.of(trials))
    ((held, own),) = found.items()
    assert {name: len(values) for name, values in own.items()} == {"adam": 10, "lion": 5}
    longer, longest = (held._replace(steps=times * held.steps) for times in (2, 4))
    decayed = held._replace(schedule="cosine")
    third = {"sgd": own["lion"] - 1}
    orders = {
        held: own | third,  # sgd allows no other schedule and no longer budget
        longer: dict(reversed(own.items())),
        longest: {name: -values for name, values in own.items()},
        decayed: own,
    }
    text = "\n".join(horizon.write_sections(dict(sorted(orders.items()))))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    found = {tuple(row[1:3]): row[3:] for row in rows if row[:1] == [held.task]}
    leader = max(own, key=lambda name: own[name].mean())
    same = found["constant", f"{held.steps}, {longer.steps}"]
    assert same[0].startswith("+1.00") and same[1:] == [leader, "1 of 2"]
    for one in (held, longer):
        other = found["constant", f"{one.steps}, {longest.steps}"]
        assert other[0].startswith("−1.00") and other[1:] == [leader, "2 of 2"]
    assert found[f"{held.steps}", "constant, cosine"][1:] == [leader, "1 of 2"]
    (places,) = (row for row in rows if row[:1] == ["sgd"])
    assert places[-1] == "n/a" and any(cell.startswith("3 (") for cell in places)


def test_results_are_drawn_for_each_optimizer_alone() -> None:
    """Two optimizers whose results rise and fall together would never change places by pairs."""
    noise = np.random.default_rng(0).standard_normal(10)
    together = {"adam": noise, "lion": noise + 0.01}
    apart = horizon.measure_agreement(together, together)
    assert (apart.estimate, apart.low, apart.high) == (1.0, -1.0, 1.0)
