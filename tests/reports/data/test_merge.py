"""Baselines beside a study: who joins, what is pooled, left out and refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.spec import RefusedInput, TrialRecord, Tuning, digest
from reports.analysis.study import Study
from reports.data.merge import check_draws, merge_baselines
from tests.helpers.records import make_record
from tests.helpers.studies import SPACE, Landscape, reports, study

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


def from_file(records: list[TrialRecord], name: str = "base") -> list[TrialRecord]:
    return [replace(record, run_id=record.config_hash, source=name) for record in records]


def changed(record: TrialRecord, **optimizer: object) -> TrialRecord:
    config = {**record.config, "optimizer": {**record.config["optimizer"], **optimizer}}
    return replace(record, config=config, config_hash=digest(config))


def joined(own, **baselines):
    records, notes = merge_baselines(
        own, {name: from_file(r, name) for name, r in baselines.items()}
    )
    return Study(tuple(records), joined=tuple(notes))


def refusal(own, theirs):
    with pytest.raises(RefusedInput) as refused:
        merge_baselines(own, {"base": from_file(theirs)})
    return str(refused.value)


def row(loaded, entrant):
    (board,) = loaded.leaderboards
    return board.table.set_index("entrant").loc[entrant]


def test_an_entrant_of_the_baseline_alone_is_a_row_and_says_where_it_is_from():
    loaded = joined(reports("mine", GOOD), base=reports("adam", GOOD) + reports("sgd", GOOD))
    sources = loaded.trials.groupby("entrant")["source"].unique().map(list).to_dict()
    assert sources == {"mine": [""], "adam": ["base"], "sgd": ["base"]}
    assert loaded.joined == ("base: 10 trials join: 5 of adam, 5 of sgd",)
    assert (row(loaded, "mine")["reference"], row(loaded, "mine")["results_reference"]) == (
        "adam",
        5,
    )
    assert loaded.name == "hand_made"


def test_seeds_of_another_machine_are_pooled_and_own_trials_stand():
    own = reports("adam", GOOD) + reports("mine", GOOD)
    values = [0.5, 0.5, 0.5, 0.5, 0.5, 0.93, 0.94]  # of seeds 0 to 6; 0 to 4 ran here too
    theirs = reports("adam", values, environment={"device": "another"})
    loaded = joined(own, base=theirs)
    assert row(loaded, "adam")["results"] == 7
    assert row(loaded, "adam")["test_mean"] == pytest.approx(np.mean([*GOOD, 0.93, 0.94]))
    assert loaded.joined == (
        "base: 2 trials join: 2 of adam; 5 more ran here too, and these stand",
    )
    assert set(loaded.trials["env.device"]) == {"cpu", "another"}


def test_beside_one_trial_of_its_own_the_baseline_says_what_it_said():
    numbers = np.random.default_rng(0)
    whole = study("adam", Landscape(), numbers) + study("lion", Landscape(best=1e-3), numbers)
    loaded = joined(whole[-1:], base=whole)
    for one, two in zip(Study.of(whole).leaderboards, loaded.leaderboards, strict=True):
        pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)


def test_half_of_a_tuning_here_and_half_there_is_one_tuning():
    whole = study("adam", Landscape(), np.random.default_rng(0), tried=8)
    here = [r for r in whole if r.phase == "report" or r.tuning.index < 3]
    (board,) = joined(here, base=whole).leaderboards
    assert board.table["settings"].tolist() == [8, 0]
    pd.testing.assert_frame_equal(board.table, Study.of(whole).leaderboards[0].table)


def test_tuning_budgets_that_differ_have_no_verdict():
    numbers = np.random.default_rng(0)
    own = study("mine", Landscape(), numbers, tried=4)
    loaded = joined(own, base=study("adam", Landscape(), numbers, tried=8))
    (board,) = loaded.leaderboards
    tuned = board.table.set_index(["entrant", "row"]).loc[("mine", "tuned")]
    assert str(tuned["verdict"]) == (
        "no verdict: adam was tuned with 8 settings, mine with 4: only equal tuning can be compared"
    )


def test_tunings_of_an_older_design_are_left_out_beside_newer_ones():
    numbers = np.random.default_rng(0)
    own = study("adam", Landscape(), numbers)
    older = [
        replace(r, tuning=replace(r.tuning, draw=1)) for r in study("adam", Landscape(), numbers)
    ]
    loaded = joined(own, base=older + reports("sgd", GOOD))
    assert any("tunings of adam by an older version are left out" in one for one in loaded.joined)
    ours, alone = (
        s.leaderboards[0].table.set_index(["entrant", "row"]) for s in (loaded, Study.of(own))
    )
    tuned = ("adam", "tuned")
    assert ours.loc[tuned, "test_mean"] == alone.loc[tuned, "test_mean"]


def test_tasks_of_one_side_alone_are_said_and_those_of_the_baseline_left_out():
    theirs = reports("adam", GOOD) + [
        make_record(task=task, phase="report", test=0.5) for task in ("langid", "mnist")
    ]
    loaded = joined(reports("mine", GOOD), base=theirs)
    assert set(loaded.trials["task"]) == {"digits"}
    assert loaded.joined[1] == (
        "base: left out, for no trial of this study is on it: langid, mnist"
    )
    here = reports("mine", GOOD) + reports("mine", GOOD, task="sst2")
    wider = joined(here, base=reports("adam", GOOD))
    assert {board.comparison for board in wider.leaderboards} == {"digits", "sst2"}
    assert wider.joined[1] == "base: has no trial on sst2, where this study stands alone"
    only = [make_record(task="mnist")]
    assert "it has trials on mnist and this study on digits" in refusal(theirs[:5], only)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"batch_size": 64}, "batch_size is 32 here and 64 there"),
        ({"data_fingerprint": "beef"}, "data_fingerprint is f00d here and beef there"),
        ({"steps": 600}, "budget.steps is 300 here and 600 there"),
        ({"target": 0.99}, "task.target_metric.value is 0.85 here and 0.99 there"),
        ({"protocol_version": 2}, "protocol_version is 1 here and 2 there"),
        (
            {"model": {"name": "cnn", "target": "tasks.CNN", "arguments": {}}},
            "model.name is mlp here and cnn there",
        ),
    ],
)
def test_other_settings_of_a_task_are_refused(setting, said):
    told = refusal(reports("mine", GOOD), reports("adam", GOOD, **setting))
    assert told.startswith("compare=base: digits has other settings: ")
    assert said in told
    assert told.endswith("Run this task as the baseline did, or leave it out with task=…")


def test_of_several_settings_those_join_that_both_have():
    theirs = reports("adam", GOOD) + reports("adam", GOOD, batch_size=64)
    loaded = joined(reports("mine", GOOD), base=theirs)
    assert set(loaded.trials["batch_size"]) == {32}
    assert loaded.joined[1] == (
        "base: 5 trials under settings that this study has not are left out"
    )


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"version": "2.16.0"}, "optimizer.version is 2.15.0 here and 2.16.0 there"),
        ({"param_groups": "no_decay_1d"}, "optimizer.param_groups is all here and no_decay_1d"),
        ({"target": "mine.Adam"}, "optimizer.target is torch.optim.adam here and mine.Adam there"),
        ({"clip_norm": 1.0}, "optimizer.clip_norm is absent here and 1.0 there"),
        (
            {"arguments": {"lr": 1e-3, "betas": [0.9, 0.99]}},
            "optimizer.arguments.betas.1 is 0.999 here and 0.99 there",
        ),
    ],
)
def test_another_optimizer_under_one_name_is_refused_once(block, said):
    theirs = [changed(record, **block) for record in reports("adam", GOOD)]
    told = refusal(reports("adam", GOOD), theirs)
    assert told.startswith("compare=base: one name, but not the same optimizer: adam: ")
    assert told.count(said) == 1
    assert "bench.name in its YAML" in told


def test_other_points_of_one_optimizer_join():
    own = reports("adam", GOOD, point={"lr": 0.5, "betas.0": 0.8})
    loaded = joined(own, base=reports("adam", GOOD, point={"betas": [0.7, 0.9]}))
    assert loaded.trials["point"].nunique() == 2


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (Tuning({"lr": {"log": [1e-5, 1]}}, "sobol", 0, 8, index=0), "search_space is"),
        (Tuning(SPACE, "random", 0, 8, index=0), "tuning.sampler is sobol here and random there"),
        (Tuning(SPACE, "sobol", 7, 8, index=0), "tuning.seed is 0 here and 7 there"),
    ],
)
def test_tuning_by_another_draw_is_refused(draw, said):
    own = reports("adam", GOOD, tuning=Tuning(SPACE, "sobol", 0, 8, index=0), point={"lr": 0.1})
    theirs = reports("adam", GOOD, tuning=draw, point={"lr": 0.2})
    assert said in refusal(own, theirs)
    with pytest.raises(RefusedInput, match="adam on digits was tuned by several draws"):
        check_draws([*own, *theirs], "study=a,b")
    check_draws(own, "study=a,b")


def test_exploring_and_reporting_do_not_mix():
    explored = [make_record(optimizer="mine", seed=seed, evaluations=1) for seed in range(5)]
    told = refusal(explored, reports("adam", GOOD))
    assert "it reports points by a declared plan and this study only explores" in told
    assert "this study reports points" in refusal(reports("mine", GOOD), explored)
    loaded = joined(explored, base=[make_record(seed=seed, evaluations=1) for seed in range(5)])
    assert set(loaded.trials["entrant"]) == {"mine", "adam"}


def test_baselines_alone_and_of_two_the_first_stands():
    first, second = reports("adam", GOOD), reports("adam", [0.1] * 5) + reports("lion", GOOD)
    loaded = joined([], one=first, two=second)
    assert row(loaded, "adam")["test_mean"] == pytest.approx(np.mean(GOOD))
    assert loaded.trials.groupby("source").size().to_dict() == {"one": 5, "two": 5}
    assert loaded.joined == (
        "one: 5 trials join: 5 of adam",
        "two: 5 trials join: 5 of lion; 5 more ran here too, and these stand",
    )


def test_nothing_left_by_filters_is_said():
    assert joined(reports("adam", GOOD), base=[]).joined == (
        *("base: 0 trials join", "base: nothing of it is left by the filters"),
    )
