"""reports/pages/horizon.py: how well two orders agree, of orders that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports import Study
from reports.pages import horizon
from tests.helpers.studies import Landscape, study

NAMES = ["adam", "sgd", "lion", "muon", "soap"]


def table(means: list[float], spread: float = 0.01) -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    values = np.asarray(means)[:, None] + spread * numbers.standard_normal((len(means), 10))
    return pd.DataFrame(values, index=NAMES)


def test_agreement_is_kendalls_and_knows_what_seeds_can_turn() -> None:
    apart = table([0.1, 0.2, 0.3, 0.4, 0.5])
    assert horizon.measure_agreement(apart, apart).estimate == pytest.approx(1)
    assert horizon.measure_agreement(apart, -apart).estimate == pytest.approx(-1)
    other = table([0.2, 0.1, 0.3, 0.5, 0.4])
    expected = stats.kendalltau([1, 2, 3, 4, 5], [2, 1, 3, 5, 4]).statistic
    assert horizon.measure_agreement(apart, other).estimate == pytest.approx(expected)
    noisy = horizon.measure_agreement(table([0.3] * 5, spread=1.0), apart)
    assert noisy.low < noisy.estimate < noisy.high and noisy.high - noisy.low > 0.5


def test_who_broke_off_is_last() -> None:
    broken = table([0.1, 0.2, 0.3, 0.4, 0.5])
    broken.loc["soap", 3] = -np.inf
    assert horizon.measure_agreement(
        broken, table([0.2, 0.3, 0.4, 0.5, 0.1])
    ).estimate == pytest.approx(1)


def test_the_page_of_a_study_of_two_entrants() -> None:
    numbers = np.random.default_rng(0)
    trials = study("adam", Landscape(), numbers) + study("lion", Landscape(best=1e-3), numbers)
    found = horizon.collect_scores(Study.of(trials))
    ((held, own),) = found.items()
    assert set(own.index) == {"adam", "lion"}
    longer, longest = (held._replace(steps=times * held.steps) for times in (2, 4))
    decayed = held._replace(schedule="cosine")
    third = own.loc[["lion"]].rename({"lion": "sgd"}) - 1
    orders = {
        held: pd.concat([own, third]),  # sgd allows no other schedule and no longer budget
        longer: own[::-1],
        longest: -own,
        decayed: own,
    }
    text = "\n".join(horizon.write_sections(dict(sorted(orders.items()))))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    found = {tuple(row[1:3]): row[3:] for row in rows if row[:1] == [held.task]}
    leader = own.mean(axis=1).idxmax()
    same = found["constant", f"{held.steps}, {longer.steps}"]
    assert same[0].startswith("+1.00") and same[1:] == [leader, "1 of 2"]
    for one in (held, longer):
        other = found["constant", f"{one.steps}, {longest.steps}"]
        assert other[0].startswith("−1.00") and other[1:] == [leader, "2 of 2"]
    assert found[f"{held.steps}", "constant, cosine"][1:] == [leader, "1 of 2"]
    (places,) = (row for row in rows if row[:1] == ["sgd"])
    assert places[-1] == "n/a" and any(cell.startswith("3 (") for cell in places)
