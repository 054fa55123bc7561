"""The two tables: schema, order, what a miss and a divergence look like, CSV round trip."""

import io
import math
import random

import pandas as pd
import pytest

from reports.data.labels import distinguish
from reports.data.tables import CURVE_COLUMNS, TRIAL_COLUMNS, make_tables, validate_trials


def test_columns_are_those_of_the_schema(study):
    trials, curves = make_tables(study)
    assert set(TRIAL_COLUMNS) <= set(trials.columns)
    assert list(curves.columns) == CURVE_COLUMNS
    assert {"hp.lr", "hp.betas.0", "val/accuracy", "test/accuracy", "env.torch"} <= set(
        trials.columns
    )
    assert len(trials) == len(study)


@pytest.mark.parametrize("broken", ["missing", "unknown"])
def test_a_broken_schema_is_refused(study, broken):
    trials, _ = make_tables(study)
    changed = trials.drop(columns="seed") if broken == "missing" else trials.assign(sede=0)
    with pytest.raises(ValueError, match="seed" if broken == "missing" else "sede"):
        validate_trials(changed)


def test_row_order_does_not_depend_on_record_order(study):
    shuffled = random.Random(0).sample(study, len(study))
    for expected, found in zip(make_tables(study), make_tables(shuffled), strict=True):
        pd.testing.assert_frame_equal(expected, found)


def test_final_values_are_those_of_the_last_evaluation(record):
    row = make_tables([record(val=0.93, test=0.91)])[0].iloc[0]
    assert row["val/accuracy"] == pytest.approx(0.93)
    assert row["test/accuracy"] == 0.91
    assert (row["steps_to_target"], row["train_time_to_target_s"]) == (200, pytest.approx(0.3))


def test_a_diverged_trial_keeps_its_row_and_has_no_final_value(record):
    trials, curves = make_tables([record(), record(seed=1, status="diverged", reason="nan")])
    row = trials.iloc[1]
    assert (row["status"], row["reason"], row["diverged_step"]) == ("diverged", "nan", 150)
    assert trials.loc[1, ["val/accuracy", "test/accuracy", "train/loss"]].isna().all()
    assert row["steps_to_target"] == math.inf
    own = curves[curves["run_id"] == row["run_id"]]
    assert own.loc[own["metric"] == "train/loss", "value"].isna().any()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steps_to_target": None}, math.inf),
        ({"target": None}, math.nan),
        ({"status": "failed"}, math.nan),
        ({"status": "skipped"}, math.nan),
    ],
)
def test_missed_is_infinite_and_unmeasured_is_nan(record, changes, expected):
    value = make_tables([record(**changes)])[0]["steps_to_target"].iloc[0]
    assert value == expected or (math.isnan(value) and math.isnan(expected))


def test_a_stacked_trial_has_no_time_to_target(record):
    trials, _ = make_tables([record(summary={"stack_size": 8.0}), record(seed=1)])
    assert trials["stack_size"].tolist()[0] == 8.0
    assert math.isnan(trials["train_time_to_target_s"].iloc[0])
    assert trials["steps_to_target"].tolist() == [200, 200]


def test_nested_hyperparameters_have_columns_of_their_own(record):
    nested = record(arguments={"base_optimizer": {"momentum": 0.9}})
    nested.config["optimizer"] |= {"rest": {"arguments": {"lr": 0.5}}, "clip_norm": 1.0}
    row = make_tables([nested])[0].iloc[0]
    assert (row["hp.base_optimizer.momentum"], row["hp.rest.lr"], row["hp.clip_norm"]) == (
        0.9,
        0.5,
        1,
    )
    assert row["gradients"] == 300


def test_other_settings_make_another_comparison(record):
    records = [record(), record(batch_size=64), record(batch_size=64, optimizer="sgd")]
    found = make_tables(records)[0].groupby("comparison").size().to_dict()
    assert found == {"digits (batch_size=32)": 1, "digits (batch_size=64)": 2}


def test_the_same_point_of_another_version_is_another_point(record):
    old, new = record(), record(seed=1)
    new.config["optimizer"]["version"] = "2.16.0"
    assert set(make_tables([old, new])[0]["point"]) == {
        "default (version=2.15.0)",
        "default (version=2.16.0)",
    }


def test_distinguish_needs_the_fewest_keys():
    described = [{"a": 1, "model": {"name": n, "width": w}} for n, w in [("x", 1), ("y", 2)]]
    assert distinguish([("t", d) for d in described]) == ["t (model=x)", "t (model=y)"]


def test_csv_round_trip(study):
    for table in make_tables(study):
        text = table.to_csv(index=False)
        back = pd.read_csv(io.StringIO(text))
        assert back.to_csv(index=False) == text
