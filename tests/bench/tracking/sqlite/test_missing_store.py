"""Several processes that meet a missing store at once."""

import pickle
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.tracking.opening import open_store
from tests.helpers.specs import trial_spec

TRIAL = """
import pickle, sys
from bench import tracking
from bench.tracking.opening import open_store
from bench.spec import Status, TrialResult
spec = pickle.loads(bytes.fromhex(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
with tracking.open_recorder(sys.argv[1], [spec], "basic") as records:
    records.finish(0, TrialResult(Status.FINISHED))
"""


def meet(uri, count):
    """That many processes record a trial each, all of them started at one moment."""
    specs = [pickle.dumps(trial_spec(seed=seed)).hex() for seed in range(count)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRIAL, uri, spec],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for spec in specs
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    ended = []
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, err = process.communicate(timeout=120)
        ended.append((process.returncode, err))
    return ended


def check(uri, count):
    assert [code for code, _ in meet(uri, count)] == [0] * count
    assert sorted(one.config["seed"] for one in tracking.read(uri, "test")) == list(range(count))


def test_three_processes_meet_a_missing_store(tmp_path):
    check(f"sqlite:///{tmp_path}/deep/store.db", 3)


@pytest.mark.slow
@pytest.mark.parametrize("again", range(10))
def test_eight_processes_meet_a_missing_store(tmp_path, again):
    check(f"sqlite:///{tmp_path}/store.db", 8)


def test_a_store_that_is_there_is_opened_without_the_lock(uri, tmp_path, monkeypatch):
    def locked(path):
        raise AssertionError(f"{path} is locked")

    monkeypatch.setattr("bench.tracking.opening.FileLock", locked)
    tracking.prepare(uri, "test")
    with pytest.raises(AssertionError, match="is locked"):
        tracking.prepare(f"sqlite:///{tmp_path}/missing.db", "test")


def test_a_new_store_is_the_one_that_mlflow_makes(tmp_path):
    """The same tables and indices, the same version of its migrations, the same first rows."""
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    open_store(f"sqlite:///{ours}", writes=True)
    MlflowClient(tracking_uri=f"sqlite:///{theirs}").search_experiments()

    def inside(path):
        with closing(sqlite3.connect(path)) as store:
            made = store.execute("SELECT type || ' ' || name, sql FROM sqlite_master").fetchall()
            # MLflow's migrations write the constraints of a table in an order of chance
            schema = {name: sorted(re.findall(r"\w+", sql or "")) for name, sql in made}
            rows = {
                name: store.execute(f"SELECT * FROM {name.removeprefix('table ')}").fetchall()
                for name in schema
                if name.startswith("table ") and name != "table experiments"
            }
            first = store.execute("SELECT name, lifecycle_stage, workspace FROM experiments")
            return schema, rows, first.fetchall()  # of an experiment its place and time are apart

    (schema, rows, first), (its_schema, its_rows, its_first) = inside(ours), inside(theirs)
    assert len(schema) > 100
    assert sorted(schema) == sorted(its_schema)
    assert [name for name in schema if schema[name] != its_schema[name]] == []
    assert [name for name in rows if rows[name] != its_rows[name]] == []
    assert first == its_first == [("Default", "active", "default")]


def test_a_second_store_is_made_without_mlflow(tmp_path):
    """Its migrations take seconds; they run once a machine."""
    open_store(f"sqlite:///{tmp_path}/first.db", writes=True)
    code = f"""
import sys
from bench import tracking
from bench.tracking.opening import open_store
tracking.prepare("sqlite:///{tmp_path}/second.db", "test")
tracking.attach_text("sqlite:///{tmp_path}/second.db", "test", "plan.json", "{{}}")
print({{"mlflow", "sqlalchemy", "torch"}} & set(sys.modules))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"
    (one,) = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/second.db").search_experiments(
        filter_string="name = 'test'"
    )
    assert one.artifact_location == (tmp_path / "artifacts" / "test").as_uri()
