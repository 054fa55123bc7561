"""Records written as rows against those that MLflow's own client writes."""

import dataclasses
import math
import time

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import (
    CurvePoint,
    Phase,
    RefusedInput,
    Status,
    TrialOrigin,
    TrialResult,
    Tuning,
    last_metrics,
)
from bench.tracking.opening import open_store
from bench.tracking.server.recorder import ClientRecorder
from bench.tracking.server.store import ClientStore
from bench.tracking.sqlite import schema
from bench.tracking.sqlite.recorder import SQLiteRecorder
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec

POINTS = [
    CurvePoint(step, {"train/loss": 1 / step, "val/loss": 2 / step, "val/accuracy": 0.5, "lr": 0.1})
    for step in (10, 20)
]
TEST = {"test/loss": math.inf, "test/accuracy": math.nan}
FINISHED = TrialResult(
    Status.FINISHED,
    curve=tuple(POINTS),
    summary={"train_time_s": 1.5, "stack_size": 2.0},
    environment={"device": "none"},
    final=last_metrics(POINTS) | TEST,
)
FAILED = TrialResult(
    Status.FAILED, "Boom: went wrong", curve=(POINTS[0],), traceback="Traceback …\nBoom"
)


def recorder(kind, uri, specs, launcher):
    """One of the two."""
    store = ClientStore(uri) if kind == "client" else open_store(uri)
    made = store.open_recorder(specs[0].context.study, specs, launcher)
    assert isinstance(made, ClientRecorder if kind == "client" else SQLiteRecorder)
    return made


def write(uri, study, kind):
    """Two trials that end, one that does not; by one of the two recorders."""
    specs = [trial_spec(seed=seed, point={"lr": 0.1}, study=study) for seed in (0, 1, 2)]
    tracking.prepare(uri, study)
    with recorder(kind, uri, specs, "stacked") as records:
        assert [run.info.status for run in runs_of(uri, study)] == ["RUNNING"] * 3
        for slot in (0, 1, 2):
            records.log(slot, POINTS[0])
        records.finish(1, FAILED)
        records.log(0, POINTS[1])
        records.finish(0, FINISHED)


def stored(uri, study):
    """Everything that MLflow knows of a study's runs, without identities and times."""
    found = {}
    for run in runs_of(uri, study):
        info, data = run.info, run.data
        history = {
            name: [
                (m.step, repr(m.value))
                for m in MlflowClient(tracking_uri=uri).get_metric_history(info.run_id, name)
            ]
            for name in data.metrics
        }
        tags = {k: v for k, v in data.tags.items() if k not in ("study", "config", "config_hash")}
        assert info.end_time >= info.start_time > 1e12
        assert info.artifact_uri.endswith(f"/{study}/{info.run_id}/artifacts")
        found[data.tags["seed"]] = (
            info.run_name,
            info.status,
            info.lifecycle_stage,
            info.user_id,
            data.params,
            tags,
            {name: repr(value) for name, value in data.metrics.items()},
            {name: sorted(set(values)) for name, values in history.items()},
        )
    return found


def test_rows_are_those_that_the_client_writes(uri):
    write(uri, "rows", "sqlite")
    write(uri, "client", "client")
    rows, client = stored(uri, "rows"), stored(uri, "client")
    assert rows.keys() == {"0", "1"}
    assert rows == client


def test_they_read_back_as_records(uri):
    write(uri, "rows", "sqlite")
    failed, finished = sorted(tracking.read(uri, "rows"), key=lambda record: record.result.status)
    assert failed.result.reason == FAILED.reason
    assert failed.result.traceback == FAILED.traceback
    assert finished.result.curve[0].values == POINTS[0].values
    assert finished.result.summary["stack_size"] == 2.0
    assert finished.config_hash in tracking.read_results(uri, "rows")


def test_long_stacks_show_their_curves_as_they_grow(uri, monkeypatch):
    clock = iter(float(second) for second in range(0, 100, 2))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    specs = [trial_spec(seed=seed, study="live") for seed in (0, 1)]
    with tracking.open_recorder(uri, specs, "stacked") as records:
        records.log(0, POINTS[0])
        shown = {run.data.tags["seed"]: run.data.metrics for run in runs_of(uri, "live")}
        assert shown["0"]["val/loss"] == POINTS[0].values["val/loss"]
        assert shown["1"] == {}
    assert list(runs_of(uri, "live")) == []


def test_a_store_with_other_columns_is_refused(uri, monkeypatch):
    monkeypatch.setitem(schema.COLUMNS, "runs", "run_uuid name another")
    with pytest.raises(RefusedInput, match=f"mlflow db upgrade {uri}"):
        tracking.open_recorder(uri, [trial_spec(study="other")], "stacked")


@pytest.mark.parametrize("kind", ["client", "rows"])
def test_what_was_not_noted_is_written_at_the_end(uri, kind):
    curve = tuple(CurvePoint(p.step, {**p.values, "train_time_s": p.step / 40}) for p in POINTS)
    with recorder(kind, uri, [trial_spec()], "none") as records:
        records.log(0, curve[0])
        records.finish(0, dataclasses.replace(FINISHED, curve=curve))
    (record,) = tracking.read(uri, "test")
    assert record.result.curve == curve
    with recorder(kind, uri, [trial_spec(study="unseen")], "none") as records:
        records.finish(0, dataclasses.replace(FINISHED, curve=curve))
    (record,) = tracking.read(uri, "unseen")
    assert record.result.curve == curve


def test_later_trials_stand_behind_earlier_ones_in_every_index(uri):
    ids = []
    for seed in (0, 1, 2):
        tracking.prepare(uri, "many")
        with recorder("rows", uri, [trial_spec(seed=seed, study="many")], "stacked") as records:
            time.sleep(0.002)  # an id begins with milliseconds
            records.finish(0, FINISHED)
        ids.append(next(iter({run.info.run_id for run in runs_of(uri, "many")} - set(ids))))
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {32}


def test_a_recorder_is_of_one_study(uri):
    specs = [trial_spec(study="one"), trial_spec(study="two")]
    with pytest.raises(ValueError, match=r"one study, not of \['one', 'two'\]"):
        tracking.open_recorder(uri, specs, "none")
    assert tracking.list_studies(uri) == []


@pytest.mark.parametrize("kind", ["client", "rows"])
def test_what_was_declared_reads_back(uri, kind):
    tuning = Tuning({"lr": {"log": [1e-4, 1.0]}}, "sobol", 3, 8, 1, 5, rank="steps_to_target")
    spec = dataclasses.replace(
        trial_spec(), phase=Phase.SELECT, origin=TrialOrigin(tuning, "adamw")
    )
    with recorder(kind, uri, [spec], "none") as records:
        records.finish(0, FINISHED)
    (record,) = tracking.read(uri, "test")
    assert (record.phase, record.tuning, record.reference) == (Phase.SELECT, tuning, "adamw")
    assert record.config_hash == dataclasses.replace(spec, origin=TrialOrigin()).config_hash


@pytest.mark.parametrize("kind", ["client", "rows"])
def test_a_runs_clock_is_its_own_training_time(uri, kind):
    tracking.prepare(uri, "test")
    curve = tuple(CurvePoint(p.step, {**p.values, "train_time_s": p.step / 8}) for p in POINTS)
    stacked = TrialResult(Status.FINISHED, "", curve, {"train_time_s": 2.5, "stack_size": 64.0})
    with recorder(kind, uri, [trial_spec()], "stacked") as records:
        records.log(0, curve[0])
        records.finish(0, stacked)
    (run,) = runs_of(uri, "test")
    start = run.info.start_time
    assert run.info.end_time - start == 2500
    logged = MlflowClient(tracking_uri=uri).get_metric_history(run.info.run_id, "val/loss")
    assert sorted({(m.step, m.timestamp - start) for m in logged}) == [(10, 1250), (20, 2500)]


@pytest.mark.parametrize("kind", ["client", "rows"])
def test_single_numbers_are_tags_that_keep_every_digit(uri, kind):
    tracking.prepare(uri, "test")
    summary = {"step_time_ms": 0.1 + 0.2, "steps_to_target": 1e23, "a_ms": 5e-324, "b": -math.inf}
    with recorder(kind, uri, [trial_spec()], "none") as records:
        records.finish(0, dataclasses.replace(FINISHED, summary=summary))
    (run,) = runs_of(uri, "test")
    assert set(run.data.metrics) == {*POINTS[1].values, *TEST}
    assert run.data.tags["summary.step_time_ms"] == "0.30000000000000004"
    (record,) = tracking.read(uri, "test")
    assert record.result.summary == summary
    (answer,) = tracking.read_results(uri, "test").values()
    assert summary.items() <= answer.summary.items()
