"""What a trial leaves in a store when its process ends in its middle, and when the store does."""

from __future__ import annotations

import sqlite3

import pytest

from bench import tracking
from bench.spec import Status, TrialSpec
from bench.spec.errors import StoreLost
from bench.sweeps import execute
from bench.tracking import owner
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec


def started(uri: str, spec: TrialSpec) -> None:
    """A run that its process left without ending it."""
    records = tracking.open_recorder(uri, [spec], "test")
    records.__enter__()


def test_what_was_interrupted_goes_and_what_runs_stays(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = trial_spec(steps=2)
    started(uri, spec)
    assert tracking.discard_interrupted(uri, spec.context.study) == 0  # this process is alive
    monkeypatch.setattr(owner, "is_alive", lambda tags: False)
    assert tracking.discard_interrupted(uri, spec.context.study) == 1
    assert tracking.discard_interrupted(uri, spec.context.study) == 0
    assert list(runs_of(uri, spec.context.study)) == []


def test_a_trial_goes_on_where_another_was_interrupted(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = trial_spec(steps=2)
    started(uri, spec)
    monkeypatch.setattr(owner, "is_alive", lambda tags: False)
    assert execute.run_single(spec, uri).status is Status.FINISHED
    (found,) = tracking.read(uri, spec.context.study)
    assert found.result.status is Status.FINISHED


def test_the_traceback_of_a_trial_that_raised_is_kept(uri: str) -> None:
    tracking.prepare(uri, trial_spec().context.study)
    spec = trial_spec(target="tests.helpers.faulty.Raises", steps=2)
    assert execute.run_single(spec, uri).status is Status.FAILED
    (found,) = tracking.read(uri, spec.context.study)
    assert "Traceback" in found.result.traceback


def test_a_store_that_fails_meanwhile_is_lost(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking.prepare(uri, "any")

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("bench.tracking.sqlite.store.read_trials", full)
    with pytest.raises(StoreLost, match="disk is full"):
        tracking.discard_interrupted(uri, "any")
