"""Reading by MLflow's tables against reading by its client, and what a look-up gives."""

import math

import pytest

from bench import tracking
from bench.spec import CurvePoint, Status, TrialResult
from bench.tracking import opening
from bench.tracking.opening import open_store
from bench.tracking.runs import to_record, to_whole_result
from bench.tracking.server.store import ClientStore
from tests.helpers.specs import trial_spec


def both(uri, study):
    """The trials of a study by the two ways, as records without tracebacks' file names."""
    return [
        [
            repr(to_record(run, to_whole_result(store, run)))
            for run in store.read_trials(store.find_study(study).id, curves=True)
        ]
        for store in (open_store(uri), ClientStore(uri))
    ]


def test_tables_and_client_give_the_same_records(old):
    rows, client = both(old, "old")
    assert len(rows) == 33
    assert rows == client


def test_numbers_that_sql_does_not_know_read_the_same_by_both(uri):
    values = {"val/loss": 1e30, "train/loss": math.inf, "lr": math.nan, "train_time_s": 1.0}
    result = TrialResult(
        Status.FINISHED, curve=(CurvePoint(5, values),), summary={"a_ms": math.nan, "b": -math.inf}
    )
    with tracking.open_recorder(uri, [trial_spec()], "basic") as records:
        records.log(0, result.curve[0])
        records.finish(0, result)
    rows, client = both(uri, "test")
    assert rows == client
    (read,) = tracking.read(uri, "test")
    (point,) = read.result.curve
    assert point.values["train/loss"] == 1.7976931348623157e308
    assert math.isnan(point.values["lr"])
    assert math.isnan(read.result.summary["a_ms"])
    assert read.result.summary["b"] == -math.inf


@pytest.mark.parametrize("kind", ["tables", "client"])
def test_a_diverged_trial_keeps_the_time_of_its_last_evaluation(uri, monkeypatch, kind):
    if kind == "client":
        monkeypatch.setattr(opening, "_open", lambda uri, path: ClientStore(uri))
    curve = (CurvePoint(20, {"val/loss": 2.0, "train_time_s": 1.0}),)
    summary = {"train_time_s": 1.5, "diverged_step": 25.0}
    diverged = TrialResult(
        Status.DIVERGED, "training loss", curve, summary, final={"val/loss": 2.0}
    )
    with tracking.open_recorder(uri, [trial_spec()], "basic") as records:
        records.log(0, curve[0])
        records.finish(0, diverged)
    (read,) = tracking.read(uri, "test")
    assert read.result == diverged


def test_a_missing_traceback_is_said_and_the_study_is_read(old):
    records = tracking.read(old, "old")
    (failed,) = [one for one in records if one.result.status is Status.FAILED]
    assert failed.result.reason == "ArithmeticError: step 20 went wrong"
    assert failed.result.traceback == "(no traceback is kept of this trial)"


def test_answers_can_be_asked_for_by_hash(old):
    every = tracking.read_results(old, "old")
    assert len(every) == 32
    one, other, *_ = every
    assert tracking.read_results(old, "old", {one, other, "0" * 16}) == {
        one: every[one],
        other: every[other],
    }
    assert tracking.read_results(old, "old", set()) == {}
