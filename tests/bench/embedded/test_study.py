"""A study of an embedded store without MLflow, beside what MLflow says of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from bench import record, tracking
from bench.embedded import study
from bench.faults import StoreLost
from bench.spec import Status, TrialSpec
from tests.bench.specs import trial_spec


def started(uri: str, spec: TrialSpec) -> None:
    """A run that its process left without ending it."""
    records = tracking.recorder(uri, [spec], "test")
    records.__enter__()


def test_its_number_is_mlflows(uri: str) -> None:
    assert study.opened(uri, "numbers") is None
    assert tracking.prepare(uri, "numbers") == study.opened(uri, "numbers")
    client = MlflowClient(tracking_uri=uri)
    client.delete_experiment(study.opened(uri, "numbers"))
    assert study.opened(uri, "numbers") is None


@pytest.mark.parametrize("made", [None, b"", b"somebody's notes, not a database" * 40])
def test_a_file_that_is_no_store_is_left_to_mlflow(tmp_path: Path, made: bytes | None) -> None:
    path = tmp_path / "odd.db"
    if made is not None:
        path.write_bytes(made)
    assert study.opened(f"sqlite:///{path}", "any") is None
    assert path.exists() == (made is not None)


def test_what_was_interrupted_goes_and_what_runs_stays(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = trial_spec(steps=2)
    started(uri, spec)
    number = study.opened(uri, spec.study)
    assert number is not None
    assert study.discard_interrupted(uri, number) == 0  # this process is alive
    monkeypatch.setattr(study, "alive", lambda tags: False)
    assert study.discard_interrupted(uri, number) == 1
    assert study.discard_interrupted(uri, number) == 0
    assert list(tracking.runs(uri, spec.study)) == []


def test_a_trial_goes_on_where_another_was_interrupted(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = trial_spec(steps=2)
    started(uri, spec)
    monkeypatch.setattr(study, "alive", lambda tags: False)
    monkeypatch.setattr("bench.embedded.claims.alive", lambda tags: False)
    assert record.answer(spec, uri)["status"] == "finished"
    (found,) = tracking.read(uri, spec.study)
    assert found.result.status is Status.FINISHED


def test_the_traceback_of_a_trial_that_raised_is_kept(uri: str) -> None:
    tracking.prepare(uri, trial_spec().study)
    spec = trial_spec(target="tests.bench.faulty.Raises", steps=2)
    assert record.answer(spec, uri)["status"] == "failed"
    (found,) = tracking.read(uri, spec.study)
    assert "Traceback" in found.result.traceback


def test_a_store_that_fails_meanwhile_is_lost(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    number = tracking.prepare(uri, "any")

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(study, "from_tables", full)
    with pytest.raises(StoreLost, match="disk is full"):
        study.discard_interrupted(uri, number)
