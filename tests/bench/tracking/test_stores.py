"""An embedded store against MLflow's client on the same file: both read what either wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import RefusedInput, Status, TrialResult
from bench.spec.errors import StoreLost
from bench.tracking.opening import open_store
from bench.tracking.server.store import ClientStore
from bench.tracking.sqlite import schema
from bench.tracking.sqlite.store import SQLiteStore
from bench.tracking.uri import sqlite_path
from tests.helpers.specs import trial_spec


@pytest.fixture(params=["tables write", "the client writes"])
def stores(uri, request):
    """The one that writes, and both."""
    ours, client = open_store(uri), ClientStore(uri)
    assert isinstance(ours, SQLiteStore)
    return (ours if request.param == "tables write" else client), (ours, client)


def test_a_study_is_made_once_and_tagged(stores):
    writer, both = stores
    number = writer.create_study("one")
    assert [store.create_study("one") for store in both] == [number] * 2
    writer.tag_study(number, {"a": "1", "b": "ü"})
    writer.tag_study(number, {"a": None, "b": "2"})
    kind = {"mlflow.experimentKind": "custom_model_development"}
    for store in both:
        assert store.find_study("one") == (number, {**kind, "b": "2"})
        assert store.list_studies() == ["one"]
        assert store.find_study("two") is None


def test_the_files_of_a_study_lie_beside_the_store(stores, uri):
    writer, _ = stores
    made = MlflowClient(tracking_uri=uri).get_experiment(writer.create_study("one"))
    assert made.artifact_location == (sqlite_path(uri).parent / "artifacts" / "one").as_uri()
    assert made.creation_time == made.last_update_time > 1e12


def test_a_deleted_study_is_refused(stores, uri):
    writer, both = stores
    number = writer.create_study("gone")
    MlflowClient(tracking_uri=uri).delete_experiment(number)
    for store in both:
        with pytest.raises(RefusedInput, match=rf"study=gone: it was deleted .* {number} "):
            store.find_study("gone")
        assert store.list_studies() == []


def test_a_summary_run_and_what_it_says(stores, uri):
    writer, both = stores
    number = writer.create_study("one")
    assert [store.find_summary(number) for store in both] == [None, None]
    run = writer.create_summary(number, "one")
    writer.describe(run, {"note": "first", "kept": "yes"}, {"a": 1.0, "b": 2.0})
    writer.describe(run, {"note": "second"}, {"a": float("nan")})
    assert [store.find_summary(number) for store in both] == [run, run]
    found = MlflowClient(tracking_uri=uri).get_run(run)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "summary"
    told = {"kind": "summary", "study": "one", "note": "second", "kept": "yes"}
    assert found.data.tags == told | {"mlflow.runName": "summary"}
    assert repr(found.data.metrics) in ("{'a': nan, 'b': 2.0}", "{'b': 2.0, 'a': nan}")


def test_files_of_a_run(stores, tmp_path):
    writer, both = stores
    run = writer.create_summary(writer.create_study("one"), "one")
    (tmp_path / "report" / "deep").mkdir(parents=True)
    (tmp_path / "report" / "deep" / "x.txt").write_text("x")
    writer.put_folder(run, tmp_path / "report", "report")
    writer.put_text(run, "plan.json", "long and wrong")
    writer.put_text(run, "plan.json", "ü")
    for store in both:
        assert store.read_text(run, "plan.json") == "ü"
        assert store.read_text(run, "none.json") is None
        assert store.has_file(run, "report")
        assert not store.has_file(run, "figures")
    client = MlflowClient(tracking_uri=both[0].uri)
    assert [one.path for one in client.list_artifacts(run, "report/deep")] == ["report/deep/x.txt"]


def test_trials_are_narrowed_and_go_to_the_trash(stores, monkeypatch):
    writer, both = stores
    specs = [trial_spec(seed=seed, study="one") for seed in range(3)]
    with writer.open_recorder("one", specs[:1], "basic") as records:
        records.finish(0, TrialResult(Status.FINISHED))
    monkeypatch.setenv("OPTBENCH_JOB", "j7")
    going = writer.open_recorder("one", specs[1:], "basic")
    with going:
        number = both[0].find_study("one").id
        for store in both:
            assert len(store.read_trials(number)) == 3
            assert len(store.read_trials(number, running=True)) == 2
            assert len(store.read_trials(number, job="j7")) == 2
            (one,) = store.read_trials(number, hashes=[specs[1].config_hash], running=True)
            assert one.tags["seed"] == "1"
        writer.trash([one.run_id])
        for store in both:
            assert [run.tags["seed"] for run in store.read_trials(number, running=True)] == ["2"]


def test_tables_with_other_columns_are_never_given_to_the_client(uri, monkeypatch):
    later = {**schema.COLUMNS, "tags": "key value run_uuid and_more"}
    monkeypatch.setattr(schema, "COLUMNS", later)
    with pytest.raises(RefusedInput, match="have other columns"):
        open_store(uri)


def test_a_study_whose_files_another_program_keeps_elsewhere_is_refused(uri):
    MlflowClient(tracking_uri=uri).create_experiment("far", "s3://bucket/far")
    with pytest.raises(RefusedInput, match="study=far: its files are kept at s3://bucket/far"):
        tracking.prepare(uri, "far")


def test_a_store_whose_tables_are_gone_is_lost(uri):
    tracking.prepare(uri, "one")
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        store.execute("DROP TABLE experiment_tags")
    with pytest.raises(StoreLost, match=r"tracking.uri=.*: no such table: experiment_tags"):
        tracking.prepare(uri, "one")
