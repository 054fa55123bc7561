"""Broken records: each costs its own trial, is counted, and everything else works."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import CurvePoint, Status, TrialResult, digest, last_metrics
from bench.sweeps import status
from bench.tracking import opening
from bench.tracking.faults import find_fault, format_unreadable
from bench.tracking.server.store import ClientStore
from bench.tracking.store import TrialRun
from bench.tracking.uri import sqlite_path
from reports import __main__ as reports_main
from tests.helpers.services.mlflow_server import MlflowServer
from tests.helpers.specs import trial_spec

SEEDS = 3


def write(uri):
    """Three trials; return the run of the first."""
    specs = [trial_spec(seed=seed, study="s") for seed in range(SEEDS)]
    with tracking.open_recorder(uri, specs, "none") as records:
        for slot in range(SEEDS):
            values = {"train/loss": 1.0, "val/loss": 2.0, "val/accuracy": 0.5, "lr": 0.1}
            curve = tuple(CurvePoint(step, values) for step in (20, 40, 60))
            final = last_metrics(curve) | {"test/loss": 2.0, "test/accuracy": 0.5}
            summary = {"train_time_s": 1.0, "step_time_ms": 2.0}
            records.finish(
                slot, TrialResult(Status.FINISHED, curve=curve, summary=summary, final=final)
            )
    (run,) = [one.run_id for one in tracking.read(uri, "s") if one.config["seed"] == 0]
    return run


def tag(name, value):
    return "UPDATE tags SET value = ? WHERE run_uuid = ? AND key = ?", (value, "RUN", name)


def change(**changes):
    """Another config with a hash that fits: nothing but its shape is wrong."""
    config = trial_spec(study="s").config() | changes
    return tag("config", json.dumps(config)), tag("config_hash", digest(config))


def metric(column, value, table="metrics"):
    return f"UPDATE {table} SET {column} = ? WHERE run_uuid = ?", (value, "RUN")


CONFIG = json.dumps(trial_spec(study="s").config())
TUNING = {"space": {}, "sampler": "sobol", "seed": 0, "points": 4}


def add_tag(name, value):
    return "INSERT INTO tags (value, run_uuid, key) VALUES (?, ?, ?)", (value, "RUN", name)


BROKEN = {
    "config cut in the middle": [tag("config", CONFIG[: len(CONFIG) // 2])],
    "config empty": [tag("config", "")],
    "config null": [tag("config", "null")],
    "config a list": [tag("config", "[]")],
    "config a number": [tag("config", "7")],
    "config deep": [tag("config", "[" * 200_000)],
    "config of another trial": [tag("config", CONFIG.replace('"seed": 0', '"seed": 77'))],
    "config not UTF-8": [tag("config", b"\xff\xfe{}")],
    "config NULL": [tag("config", None)],
    "no config": [("DELETE FROM tags WHERE run_uuid = ? AND key = 'config'", ("RUN",))],
    "no config_hash": [("DELETE FROM tags WHERE run_uuid = ? AND key = 'config_hash'", ("RUN",))],
    "no status": [("DELETE FROM tags WHERE run_uuid = ? AND key = 'status'", ("RUN",))],
    "no tags but its kind": [("DELETE FROM tags WHERE run_uuid = ? AND key != 'kind'", ("RUN",))],
    "hash of nothing": [tag("config_hash", "0" * 16)],
    "status unknown": [tag("status", "triumphant")],
    "status running, of a run that has ended": [tag("status", "running")],
    "status empty": [tag("status", "")],
    "status of MLflow unknown": [("UPDATE runs SET status = ? WHERE run_uuid = ?", ("ODD", "RUN"))],
    "status of MLflow NULL": [("UPDATE runs SET status = ? WHERE run_uuid = ?", (None, "RUN"))],
    "end no time": [("UPDATE runs SET end_time = ? WHERE run_uuid = ?", ("soon", "RUN"))],
    "point no JSON": [tag("point", "{lr:")],
    "point a list": [tag("point", "[1]")],
    "tuning no JSON": [add_tag("tuning", "{")],
    "tuning null": [add_tag("tuning", "null")],
    "tuning without a space": [add_tag("tuning", '{"sampler": "sobol"}')],
    "tuning of odd keys": [add_tag("tuning", json.dumps({**TUNING, "odd": 1}))],
    "tuning of odd types": [add_tag("tuning", json.dumps({**TUNING, "points": "4"}))],
    "tuning of an unknown draw": [add_tag("tuning", json.dumps({**TUNING, "draw": 3}))],
    "tuning of odd repeats": [add_tag("tuning", json.dumps({**TUNING, "repeats": None}))],
    "tuning of an odd space": [add_tag("tuning", json.dumps({**TUNING, "space": {"lr": 3}}))],
    "phase unknown": [tag("phase", "later")],
    "summary no number": [tag("summary.train_time_s", "fast")],
    "reason not UTF-8": [tag("reason", b"\xc3\x28")],
    "a tag of bytes": [tag("seed", sqlite3.Binary(b"\x00\x01"))],
    "a step of text": [metric("step", "NaN")],
    "a step that is not whole": [metric("step", 1.5)],
    "a latest step of text": [metric("step", "NaN", "latest_metrics")],
    "a value of text": [metric("value", "much")],
    "a latest value of text": [metric("value", "much", "latest_metrics")],
    "a time of text": [metric("timestamp", "now")],
    "task no mapping": change(task=[]),
    "task without a name": change(task={}),
    "optimizer a text": change(optimizer="adam"),
    "seed a text": change(seed="0"),
    "seed below zero": change(seed=-1),
    "budget null": change(budget=None),
    "batch_size true": change(batch_size=True),
}


def break_record(uri, statements, run):
    with closing(sqlite3.connect(sqlite_path(uri))) as store, store:
        store.execute("PRAGMA ignore_check_constraints = ON")
        for asked, values in statements:
            statement = asked
            if asked.startswith("UPDATE metrics"):  # step, time and value are its key
                statement += " AND key = 'val/loss' AND step = 60"
            given = tuple(run if value == "RUN" else value for value in values)
            text = any(isinstance(v, bytes) and not isinstance(v, memoryview) for v in given)
            if text:  # bytes as text
                statement = statement.replace("= ?", "= CAST(? AS TEXT)", 1)
            store.execute(statement, given)


def run_command(main, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_record_costs_its_own_trial(uri, broken, capsys):
    run = write(uri)
    break_record(uri, BROKEN[broken], run)
    line = f"1 unreadable record: run {run}"
    for curves in (False, True):
        found = tracking.read_study(uri, "s", curves=curves)
        assert len(found.records) == SEEDS - 1
        assert found.unreadable.startswith(line)
    resumed = tracking.resume(uri, "s")
    assert len(resumed.records) == SEEDS - 1
    assert resumed.unreadable.startswith(line)
    assert len(tracking.read_results(uri, "s")) == SEEDS - 1
    assert tracking.save_views(uri, "s")
    assert run_command(status.main, "study=s", f"tracking.uri={uri}") == 0
    said = capsys.readouterr()
    assert line in said.out
    assert "2 finished" in said.out
    assert said.err == ""
    # its trial runs again
    specs = [trial_spec(seed=seed, study="s") for seed in range(SEEDS)]
    with tracking.open_recorder(uri, specs, "none") as records:
        assert records.slots == [0]
        records.finish(0, TrialResult(Status.FINISHED))
    assert len(tracking.read_results(uri, "s")) == SEEDS
    assert not tracking.find_running(uri, "s", {spec.config_hash for spec in specs})


@pytest.mark.parametrize("broken", ["config cut in the middle", "a step of text", "no status"])
def test_a_report_counts_it(uri, broken, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write(uri)
    break_record(uri, BROKEN[broken], run)
    assert run_command(reports_main.main, "study=s", f"tracking.uri={uri}", "output=r") == 0
    said = capsys.readouterr()
    assert f"1 unreadable record: run {run}" in said.out
    assert f"1 unreadable record: run {run}" in (tmp_path / "r" / "index.html").read_text("utf-8")


def test_all_of_them_at_once_and_a_sweep_completes(uri, optbench):
    words = ("-m", "task=digits", "budget.steps=2", "budget.eval_every=2", "study=s")
    words += ("seed=0,1", "report=false")
    assert optbench(*words).code == 0
    for record in tracking.read(uri, "s"):
        break_record(uri, BROKEN["config cut in the middle"], record.run_id)
    ended = optbench(*words)
    assert ended.code == 0
    assert "2 unreadable records: run " in ended.out
    assert "2 trials, 0 recorded, 2 to run" in ended.out
    ended = optbench(*words)
    assert "2 trials, 2 recorded, 0 to run" in ended.out
    ended = optbench(*words[1:-2], "seed=0")
    assert "from the record" in ended.out


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"entrants": 3}', '{"repeats": "x"}'])
def test_a_broken_plan_and_broken_costs(uri, text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(uri)
    for name in ("plan.json", "costs.json"):
        tracking.attach_text(uri, "s", name, text)
    assert run_command(status.main, "study=s", f"tracking.uri={uri}") == 0
    assert "1 unreadable record: plan.json" in capsys.readouterr().out
    assert run_command(reports_main.main, "study=s", f"tracking.uri={uri}", "output=r") == 0
    assert ("costs.json" in capsys.readouterr().out) == (text != "")


@pytest.mark.parametrize("traceback", ["gone", "not UTF-8", "a folder", "no place"])
def test_a_traceback_that_is_gone_or_broken(uri, traceback):
    spec = trial_spec(study="s")
    with tracking.open_recorder(uri, [spec], "none") as records:
        records.finish(0, TrialResult(Status.FAILED, "it failed", traceback="line 1\n"))
    (file,) = sqlite_path(uri).parent.rglob("traceback.txt")
    if traceback == "not UTF-8":
        file.write_bytes(b"\xff\xfe")
    else:
        file.unlink()
    if traceback == "a folder":
        file.mkdir()
    if traceback == "no place":
        with closing(sqlite3.connect(sqlite_path(uri))) as store, store:
            store.execute("UPDATE runs SET artifact_uri = NULL")
    (record,) = tracking.read(uri, "s")
    assert record.result.reason == "it failed"
    assert record.result.traceback


def test_a_study_whose_name_is_no_text(uri):
    write(uri)
    with closing(sqlite3.connect(sqlite_path(uri))) as store, store:
        store.execute(
            "INSERT INTO experiments (name, artifact_location, lifecycle_stage, workspace) "
            "VALUES (CAST(? AS TEXT), 'x', 'active', 'default')",
            (b"\xffodd",),
        )
    assert tracking.list_studies(uri) == ["\\udcffodd", "s"]
    assert len(tracking.read(uri, "s")) == SEEDS


ON_A_SERVER = {
    "config cut": ("config", CONFIG[:50]),
    "status unknown": ("status", "triumphant"),
    "point no JSON": ("point", "{"),
    "summary no number": ("summary.train_time_s", "fast"),
    "no config": ("config", None),
}


def test_on_a_server(tmp_path):
    server = MlflowServer(tmp_path)
    server.start()
    try:
        client = MlflowClient(tracking_uri=server.uri)
        opening._open.cache_clear()
        run = write(server.uri)
        whole = client.get_run(run).data.tags
        for name, value in ON_A_SERVER.values():
            client.delete_tag(run, name) if value is None else client.set_tag(run, name, value)
            found = tracking.read_study(server.uri, "s")
            assert len(found.records) == SEEDS - 1
            assert found.unreadable.startswith(f"1 unreadable record: run {run}")
            assert len(tracking.read_results(server.uri, "s")) == SEEDS - 1
            client.set_tag(run, name, whole[name])
        assert len(tracking.read(server.uri, "s")) == SEEDS
    finally:
        server.kill()


@pytest.mark.parametrize("broken", ["config cut in the middle", "status unknown", "no config"])
def test_by_mlflow_s_client(uri, broken):
    run = write(uri)
    break_record(uri, BROKEN[broken], run)
    client = ClientStore(uri)
    runs = client.read_trials(client.find_study("s").id)
    assert [one.run_id for one in runs if find_fault(one)] == [run]


def test_the_line_names_a_few_of_many():
    runs = [TrialRun(f"r{at}", "FINISHED", {}) for at in range(8)]
    assert format_unreadable(runs).startswith("8 unreadable records: run r0 (tag config: is mi")
    assert format_unreadable(runs).endswith("and 3 more")
    assert format_unreadable([]) == ""
