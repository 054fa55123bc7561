"""Pools, simulated tunings and docs/validity.md."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.pages import contest, pools, validity
from reports.pages.contest import Finding
from reports.pages.pools import Landscape, load_landscapes
from reports.pages.simulated_reports import load_league
from reports.pages.simulation import Counts, Design, draw_equals, spread_out

NAMES = ("lion", "adam")


def test_a_pool_is_packed_and_read_as_it_ran(tmp_path, monkeypatch):
    trials = pd.DataFrame(
        [
            ("sgd", 0, 0, 1, "finished", 0.25),
            ("sgd", 0, 0, 0, "finished", 0.5),
            ("sgd", -1, -1, 0, "finished", 0.75),
            ("sgd", 0, 1, 0, "finished", 0.125),
            ("sgd", 0, 1, 1, "diverged", np.nan),
            ("sgd", -1, -1, 1, "finished", 0.7),
        ],
        columns=["opt", "block", "index", "seed", "status", "val"],
    )
    trials = trials.assign(test=trials["val"] + 0.1, vloss=trials["val"], tloss=trials["val"])
    trials.to_parquet(tmp_path / "mine.parquet")
    packed = tmp_path / "pools.json.gz"
    packed.write_bytes(pools.pack(tmp_path))
    assert pools.pack(tmp_path) == packed.read_bytes()
    monkeypatch.setattr(pools, "PACKED", packed)
    (found,) = load_landscapes.__wrapped__().values()
    assert found.val.tolist() == [[0.5, 0.25], [0.125, -np.inf]]
    assert found.test.tolist() == [[0.6, 0.35], [0.225, -np.inf]]
    assert (found.default_val.tolist(), found.default_test.tolist()) == ([0.75, 0.7], [0.85, 0.8])
    loss = load_landscapes.__wrapped__("loss")["mine sgd"]
    assert loss.val.tolist() == [[-0.5, -0.25], [-0.125, -np.inf]]


def test_the_shipped_pools():
    found = load_landscapes()
    assert {name.split()[0] for name in found} == {
        *("digits", "digits100", "modular_addition", "sst2")
    }
    assert found["digits adam"].val.shape == (128, 4)
    assert found["sst2 adam"].test.shape == (24, 2)
    assert np.isfinite(found["digits adam"].val).all()


def test_a_tuning_reports_its_best_setting_by_another_trial():
    val = np.array([[0.1, 0.2], [0.8, 0.8], [0.3, 0.4]])
    test = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    landscape = Landscape(val, test, np.array([0.5, 0.5]), np.array([7.0, 8.0]))
    random = np.random.default_rng(0)
    assert set(landscape.tune(random, 4, 200)) == {3.0, 4.0}
    some = landscape.tune(random, 2, 3000)
    assert set(some) == {3.0, 4.0, 7.0, 8.0}
    assert np.mean(some < 5) == pytest.approx(1 / 3, abs=0.03)
    broken = Landscape(np.full((3, 2), -np.inf), test, val[0], np.array([7.0, -np.inf]))
    assert set(broken.tune(random, 4, 100)) == {7.0, -np.inf}


def test_unequal_spreads_leave_the_probability_of_improvement_at_one_half():
    random, design = np.random.default_rng(1), Design(500, 1000, 8)
    landscape = [load_landscapes()["digits lion"]]
    results = spread_out(draw_equals(landscape, design, random, ["adam", "b", "c"]), random, 16)
    spreads = [float(np.std(values)) for values in results.values()]
    assert max(spreads) > 1.3 * min(spreads)
    for ours in results.values():
        for theirs in results.values():
            wins = np.sign(np.subtract.outer(ours, theirs)).mean()
            assert abs(wins) < 0.1


def test_the_league_has_its_complete_optimizers():
    found = load_league()
    assert len(found) == 16 * 8
    assert {len(one.val) for one in found.values()} == {8}
    for one in found.values():
        assert np.isfinite(one.default_test).all()
        assert np.isfinite(one.test).any()


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_shifts_cover_on_real_results_as_often_as_they_say(metric):
    for pool in ("digits", "sst2"):
        inside = [validity.cover_shift(f"{pool} {name}", metric, 3, times=150) for name in NAMES]
        assert 0.9 <= np.mean(inside) <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "loss"])
@pytest.mark.parametrize("pool", ["digits", "digits100", "modular_addition", "sst2"])
def test_shifts_cover_on_real_results_more_exactly(pool, metric):
    own = [name for name in load_landscapes() if name.split()[0] == pool]
    inside = [validity.cover_shift(name, metric, 4, times=1_000) for name in own]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_page_has_every_table(monkeypatch):
    monkeypatch.setattr(validity, "run", lambda simulate, count, what: [Counts(3, 2, 1)] * count)
    monkeypatch.setattr(validity, "COVERED", 4)
    monkeypatch.setattr(
        validity.controls, "write_section", lambda *known: "## Controls\n\nall shown"
    )
    monkeypatch.setattr(validity, "cover_shift", lambda name, metric, seed: 0.95)
    found = Finding((0.031, 0.052), Counts(44, 9, 65), Counts(7, 2, 3))
    monkeypatch.setattr(contest, "try_idea", lambda idea, reports, seed: found)
    row = [{"look": "a look", "saved": "-28%"}]
    monkeypatch.setattr(validity, "tabulate_enlarging", lambda reports, seed: row)
    monkeypatch.setattr(validity, "tabulate_stopping", lambda seed: row)
    monkeypatch.setattr(validity, "count_false_claims", lambda reports, seed: (0.01, 0.02))
    text = "\n".join(validity.write_page(16, 0))
    for design in validity.DESIGNS:
        assert sum(line.startswith(f"| {design} ") for line in text.splitlines()) == 2
    for name, idea in contest.IDEAS.items():
        (line,) = (one for one in text.splitlines() if one.startswith(f"| {name} "))
        assert f"| {idea.trials} " in line and "| 3.1% " in line and "| 5.2% " in line
    assert text.count("| a look") == 2
    assert "| 100.0% of 16 " in text
    assert f"| {validity.LARGE} " in text
    assert "rows of 120" in text
    assert "other pairs of 105" in text
    assert "| modular_addition | 0.950" in text
    assert "\n\n## Controls\n\nall shown\n\n## Limits\n" in text
    assert "{" not in text


def test_the_shipped_page_is_made_by_the_command():
    shipped = validity.PAGE.read_text("utf-8")
    assert "python -m reports.pages.validity" in shipped
    for line in validity.TEXT.splitlines():
        if "{" not in line:
            assert line in shipped.splitlines()
