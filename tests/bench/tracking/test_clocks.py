"""Clocks that are wrong: ``fresh=true`` and the record that stands go by numbers of commands."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

import psutil
import pytest

from bench import tracking
from bench.spec import Status, TrialResult
from bench.sweeps import execute
from bench.tracking import opening, owner
from bench.tracking.server.store import ClientStore
from bench.tracking.uri import sqlite_path
from tests.helpers.specs import trial_spec

YEAR = 365 * 24 * 3600.0
WORDS = ("task=digits", "budget.steps=2", "budget.eval_every=2", "study=s")


@pytest.fixture(params=["a file", "a server"])
def store(uri, request, monkeypatch):
    """A store of either kind; the second is used by MLflow's client alone."""
    if request.param == "a server":
        monkeypatch.setattr(opening, "_open", lambda uri, path: ClientStore(uri))
    return uri


def set_clock(monkeypatch, seconds):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


def record(uri, value, *, fresh=False):
    """Record a result as a new command does; return whether there was room for it."""
    (spec,) = execute.number_trials([trial_spec(study="s").within(fresh=fresh)], uri)
    with tracking.open_recorder(uri, [spec], "none") as records:
        for slot in records.slots:
            records.finish(slot, TrialResult(Status.FINISHED, summary={"value": value}))
        return bool(records.slots)


def stored(uri):
    (one,) = tracking.read_results(uri, "s").values()
    return one.summary["value"]


@pytest.mark.parametrize("clock", [-YEAR, 0.0, YEAR])
def test_a_fresh_command_runs_whatever_the_clock_says(store, clock, monkeypatch):
    assert record(store, 1.0)
    set_clock(monkeypatch, clock)
    assert not record(store, 2.0)
    assert record(store, 3.0, fresh=True)
    assert stored(store) == 3.0
    assert len(tracking.read(store, "s")) == 1  # the earlier one is in the trash


def test_a_fresh_command_runs_beside_a_record_from_a_fast_clock(uri):
    assert record(uri, 1.0)
    with closing(sqlite3.connect(sqlite_path(uri))) as tables, tables:
        ahead = int((time.time() + YEAR) * 1000)
        tables.execute("UPDATE runs SET start_time = ?, end_time = ?", (ahead, ahead))
    assert record(uri, 2.0, fresh=True)
    assert stored(uri) == 2.0


def test_of_two_records_the_later_command_s_stands(store, monkeypatch):
    spec = trial_spec(study="s")
    for value, clock in ((1.0, YEAR), (2.0, 0.0)):
        with monkeypatch.context() as then:
            set_clock(then, clock)
            (numbered,) = execute.number_trials([spec.within(generation=0)], store)
            with tracking.open_recorder(store, [numbered.within(fresh=True)], "none") as records:
                then.setattr("bench.tracking.claims.find_replaced", lambda *_: [])
                records.finish(0, TrialResult(Status.FINISHED, summary={"value": value}))
    assert len(tracking.read(store, "s")) == 2
    assert stored(store) == 2.0


def test_a_command_reuses_what_it_has_made_itself(store):
    assert record(store, 1.0)
    (spec,) = execute.number_trials([trial_spec(study="s").within(fresh=True)], store)
    with tracking.open_recorder(store, [spec], "none") as records:
        records.finish(0, TrialResult(Status.FINISHED, summary={"value": 2.0}))
    with tracking.open_recorder(store, [spec], "none") as again:
        assert again.slots == []
    (result,) = execute.wait_for_others([spec], store).values()
    assert result.summary["value"] == 2.0


def test_a_fresh_sweep_that_was_interrupted_begins_anew(store):
    specs = [trial_spec(seed=seed, study="s").within(fresh=True) for seed in range(2)]
    for _ in range(2):
        numbered = execute.number_trials(specs, store)
        with tracking.open_recorder(store, numbered, "none") as records:
            assert records.slots == [0, 1]
            records.finish(0, TrialResult(Status.FINISHED))
    assert len(tracking.read(store, "s")) == 1


@pytest.mark.parametrize("clock", [-YEAR, YEAR])
@pytest.mark.parametrize("words", [(), ("-m", "report=false")])
def test_the_command_runs_anew(optbench, uri, clock, words, monkeypatch):
    assert optbench(*WORDS).code == 0
    (first,) = tracking.read(uri, "s")
    set_clock(monkeypatch, clock)
    assert optbench(*words, *WORDS, "fresh=true").code == 0
    (second,) = tracking.read(uri, "s")
    assert second.run_id != first.run_id


@pytest.mark.parametrize("clock", [-YEAR, 3600.0])
def test_a_process_is_alive_whatever_the_clock_is_set_to(clock, monkeypatch):
    tags = owner.identify()
    assert owner.is_alive(tags)
    boot = psutil.boot_time()
    moved = psutil.Process(os.getpid()).create_time() + clock
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + clock)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: moved)
    assert owner.is_alive(tags)
    assert not owner.is_alive({**tags, "process": str(int(tags["process"]) - 5000)})
