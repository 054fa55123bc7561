"""A study with phases: rows, chosen settings, prices, tunings, best of k."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import t

from bench.spec import RefusedInput, Tuning, protocol
from reports import Study
from reports.analysis.caveats import Caveat
from reports.analysis.choices import summarize_choices
from reports.figures import best_of_k_curves, learning_curves, sensitivity
from reports.output.render import render
from reports.text.leaderboards import display
from reports.text.settings import list_choices
from tests.helpers import simulated
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, reports, tunings

SHIFT = 0.06  # against a noise of 0.004 and tunings that differ by about 0.01


def random(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def fair():
    adam = simulated.tuned("adam", random(0), repeats=10)
    return Study.of([*adam, *simulated.tuned("lion", random(1), shift=SHIFT)])


def rows(study):
    (board,) = study.leaderboards
    return board.table.set_index(["entrant", "row"])


def test_tuned_and_default_rows_stand_beside_each_other(fair):
    assert list(rows(fair).index) == [
        ("lion", "tuned"),
        ("lion", "default"),
        ("adam", "tuned"),
        ("adam", "default"),
    ]
    assert rows(fair)["settings"].tolist() == [8, 0, 8, 0]
    assert rows(fair)["tunings"].tolist() == [5, 0, 10, 0]
    assert rows(fair)["n"].tolist() == [5, 10, 10, 10]
    assert rows(fair)["verdict"].map(str).tolist() == ["better", "better", "reference", "reference"]


def test_the_chosen_point_is_recomputed_from_validation_alone():
    draw = [Tuning(simulated.SPACE, "sobol", 0, 2, index=i) for i in range(2)]
    seed = protocol.SELECTION_SEEDS
    chosen = [
        make_record(seed=seed, point={"lr": lr}, val=val, phase="select", tuning=one)
        for lr, val, one in zip((1e-3, 1e-2), (0.9, 0.8), draw, strict=True)
    ]
    reruns = [  # the one chosen from fewer points once has the better test values
        make_record(seed=s, point={"lr": lr}, val=0.9, test=t, phase="report", tuning=one)
        for lr, t, one in zip((1e-3, 1e-2), (0.5, 0.99), draw, strict=True)
        for s in range(5)
    ]
    default = [
        make_record(seed=s, phase="report", tuning=replace(draw[0], index=None), point={"lr": 0.5})
        for s in range(5)
    ]
    table = rows(Study.of([*chosen, *reruns, *default]))
    assert table.loc[("adam", "tuned"), "test_mean"] == 0.5
    assert table.loc[("adam", "tuned"), "point"] == "lr=0.001"
    assert len(table) == 2


def test_settings_are_counted_as_recorded_not_as_declared():
    records = simulated.tuned("adam", random(), points=12)
    raised = [replace(r, tuning=replace(r.tuning, points=8)) for r in records]
    assert rows(Study.of(raised)).loc[("adam", "tuned"), "settings"] == 12


def test_a_study_that_ranks_by_steps_chooses_by_them():
    draw = [Tuning(simulated.SPACE, "sobol", 0, 2, index=i) for i in range(2)]
    records = [
        make_record(
            seed=10**6, point={"lr": lr}, val=val, steps_to_target=s, phase="select", tuning=one
        )
        for lr, val, s, one in zip((1e-3, 1e-2), (0.9, 0.8), (200, 100), draw, strict=True)
    ]
    assert Study.of(records).points.query("selected")["point"].tolist() == ["lr=0.001"]

    ranked = [replace(r, tuning=replace(r.tuning)) for r in records]
    for one in ranked:
        object.__setattr__(one.tuning, "rank", "steps_to_target")
    assert Study.of(ranked).points.query("selected")["point"].tolist() == ["lr=0.01"]


def test_one_configuration_is_one_point_whatever_its_record_calls_it():
    old = make_record(seed=0, point={"betas": [0.8, 0.99]})
    new = make_record(seed=1, arguments={"betas": [0.8, 0.99]})
    new = replace(new, point={"betas.0": 0.8, "betas.1": 0.99})
    assert set(Study.of([old, new]).trials["point"]) == {"betas.0=0.8, betas.1=0.99"}


def test_a_tuned_row_has_one_result_a_tuning():
    records = simulated.tuned("adam", random(3), repeats=6)
    study = Study.of(records)
    row = rows(study).loc[("adam", "tuned")]
    assert (row["tunings"], row["settings"], row["n"]) == (6, 8, 6)
    assert display(study.leaderboards[0])["tuning"].iloc[0] == "6 × 8"
    values = [
        r.result.final["test/accuracy"]
        for r in records
        if r.phase == "report" and r.tuning.index is not None
    ]
    assert row["test_mean"] == pytest.approx(np.mean(values))
    half = t.ppf(0.975, 5) * np.std(values, ddof=1) / math.sqrt(6)
    assert row["test_high"] == pytest.approx(row["test_mean"] + half)


def test_tunings_that_chose_one_setting_keep_their_own_results():
    """The default wins everywhere: its trials on reporting seeds belong to their tunings."""
    records = tunings("adam", [0.91, 0.92, 0.93, 0.94], choose=lambda repeat: 1e-3)
    records += reports("adam", [0.5] * 10, tuning=Tuning(SPACE, "sobol", 0, 4, draw=2))
    table = rows(Study.of(records))
    assert table.loc[("adam", "tuned"), "test_mean"] == pytest.approx(0.925)
    assert table.loc[("adam", "default"), "test_mean"] == 0.5
    assert table.loc[("adam", "tuned"), "point"] == table.loc[("adam", "default"), "point"]


def test_a_tuning_that_was_not_reported_yet_is_left_out():
    records = simulated.tuned("adam", random(3), repeats=5)
    waiting = [r for r in records if not (r.phase == "report" and r.tuning.repeat == 1)]
    row = rows(Study.of(waiting)).loc[("adam", "tuned")]
    assert (row["tunings"], row["n"]) == (4, 4)


def test_the_setting_to_use_is_the_one_with_the_best_median_rank():
    """Ranks on the validation seeds of the reports: 1e-3 has 2 and 3, 3e-3 has 1 and 4."""
    rates = [1e-3, 3e-3, 1e-3, 3e-3]
    records = tunings("adam", [0.92, 0.94, 0.91, 0.50], choose=lambda repeat: rates[repeat])
    (choice,) = summarize_choices(Study.of(records).arms)
    assert choice.tunings == 2
    assert choice.spread == {"lr": (1e-3, 3e-3)}
    (chosen,) = list_choices(Study.of(records))
    assert chosen.summary == "lr=0.001 (0.001 to 0.003), of 4 tunings"
    assert yaml.safe_load(chosen.yaml)["lr"] == 1e-3
    assert yaml.safe_load(chosen.yaml)["_target_"] == "torch.optim.adam"


def test_an_entrant_without_a_tuned_row_is_marked_and_has_no_verdict():
    study = Study.of([*simulated.tuned("adam", random(0)), *simulated.reported("sgd", random(1))])
    row = rows(study).loc[("sgd", "default")]
    assert str(row["verdict"]) == (
        "no verdict: adam was tuned with 8 settings, sgd not at all: only equal tuning can be "
        "compared"
    )
    assert Caveat.DEFAULT_ONLY in row["marks"]


def test_nobody_beats_a_weakened_adam():
    weak = simulated.tuned("adam", random(0), repeats=10)
    better = simulated.tuned("adam", random(2), shift=SHIFT, repeats=10)
    strong = simulated.with_schedule(better, "cosine")
    lion = simulated.tuned("lion", random(5), shift=SHIFT)
    study = Study.of([*weak, *strong, *lion])
    table = rows(study)
    assert set(table["reference"]) == {"adam+cosine"}
    assert str(table.loc[("adam", "tuned"), "verdict"]) == "worse"
    assert str(table.loc[("lion", "tuned"), "verdict"]) == "no clear difference"
    assert any(
        note.startswith("adam, adam+cosine all run adam") for note in study.leaderboards[0].notes
    )
    assert display(study.leaderboards[0])["compared with"].iloc[0] == "adam+cosine"


def test_trials_that_stop_at_the_target_get_steps_and_no_verdict():
    records = [
        make_record(optimizer=name, seed=s, stop_at_target=True, steps_to_target=steps, test=test)
        for name, steps, test in (("adam", 200, 0.9), ("lion", 100, 0.95))
        for s in range(5)
    ]
    table = rows(Study.of(records))
    assert [entrant for entrant, _ in table.index] == ["lion", "adam"]
    assert table["verdict"].map(str).tolist() == [
        "no verdict: trials stop at the target; compare their steps",
        "reference",
    ]
    assert table["steps_to_target"].tolist() == [100, 200]


def test_unequal_grouping_is_marked_where_weights_decay():
    def records(decay):
        made = [
            make_record(optimizer=name, seed=s, arguments={"weight_decay": decay})
            for name in ("adam", "lars")
            for s in range(5)
        ]
        for r in made[5:]:
            r.config["optimizer"]["param_groups"] = "no_decay_1d"
        return made

    assert all(Caveat.GROUPING in marks for marks in rows(Study.of(records(0.1)))["marks"])
    assert not any(Caveat.GROUPING in marks for marks in rows(Study.of(records(0.0)))["marks"])


def test_best_of_k_ends_at_the_points_of_one_tuning(fair):
    table = fair.best_of_k
    own = table[table["entrant"] == "lion"]
    assert own["k"].tolist() == list(range(1, 9))
    assert own["expected"].is_monotonic_increasing
    values = fair.points[fair.points["entrant"] == "lion"]["val_mean"]
    assert own["expected"].iloc[0] == pytest.approx(values.mean())


def test_figures_know_phases(fair):
    assert set(learning_curves.tabulate(fair)["n"]) == {5, 10}
    assert set(sensitivity.tabulate(fair)["phase"]) == {"select"}
    assert len(best_of_k_curves.tabulate(fair)) == 16


def test_the_report_of_a_study(fair, tmp_path):
    html = render(fair, tmp_path).read_text(encoding="utf-8")
    (space,) = fair.spaces
    assert space in html
    back = pd.read_csv(tmp_path / "best_of_k.csv")
    assert list(back.columns) == [
        *["comparison", "entrant", "k", "points", "expected", "spread", "all_broken", "regret"],
        *["setting_id", "entrant_id"],
    ]
    assert (tmp_path / "figures" / "best_of_k.svg").is_file()


def test_a_study_still_being_tuned_is_a_report(tmp_path):
    records = [r for r in simulated.tuned("adam", random()) if r.phase == "select"]
    assert Study.of(records).leaderboards == []
    assert render(records, tmp_path).is_file()


def test_loading_refuses_what_is_not_there(tmp_path):
    with pytest.raises(RefusedInput, match="there is no file"):
        Study.load("mine", f"sqlite:///{tmp_path / 'none.db'}")


def test_steps_are_those_made():
    table = Study.of([make_record(), make_record(seed=1, status="diverged")]).trials
    assert table["steps"].tolist() == [300, 150]
