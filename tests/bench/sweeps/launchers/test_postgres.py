"""PostgreSQL under an MLflow server, and by its own address: nothing lost, nothing doubled."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from bench import tracking
from tests.helpers.processes import PATIENCE, start_command
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.services.mlflow_server import MlflowServer

EIGHT = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=8"]
TRIALS, POINTS, GONE = 200, 20, 30
SWEEP = ["-m", "task=digits", "model.hidden=[8]", "optimizer.lr=1e-3,1e-2", "budget.steps=20"]
SWEEP += [f"seed=range(0,{TRIALS // 2})", "study=many"]


def complete(uri):
    """Every trial stands there once, with its whole curve."""
    found = list(runs_of(uri, "many"))
    assert Counter(run.info.status for run in found) == {"FINISHED": TRIALS}
    assert len({run.data.tags["config_hash"] for run in found}) == TRIALS
    records = tracking.read(uri, "many")
    assert {str(record.result.status) for record in records} == {"finished"}
    assert {len(record.result.curve) for record in records} == {POINTS}
    assert {tuple(sorted(p.values)) for r in records for p in r.result.curve[:-1]} == {
        ("lr", "train/loss", "train_time_s", "val/accuracy", "val/loss")
    }


def ended(uri):
    found = list(runs_of(uri, "many", " AND attributes.status = 'FINISHED'"))
    return len(found)


def through_an_outage(process, uri, kill, start):
    """Kill everything once a quarter is recorded, start it again after half a minute."""
    deadline = time.monotonic() + 2 * PATIENCE
    while ended(uri) < TRIALS // 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(1)
    kill()
    time.sleep(GONE)
    assert process.poll() is None, process.communicate()
    start()
    out, err = process.communicate(timeout=4 * PATIENCE)
    assert process.returncode == 0, out + err
    assert "Traceback" not in out + err
    complete(uri)


def test_a_study_in_a_database_is_read_as_it_was_written(optbench, postgres, tmp_path):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "raises.yaml").write_text("_target_: tests.helpers.faulty.Raises\nlr: 0.1\nat: 5\n")
    words = ["-m", "--config-dir", str(folder.parent), "task=digits", "model.hidden=[8]"]
    words += ["optimizer=adam,raises", "seed=0,1", "budget.steps=20", "study=small"]
    assert optbench(*words, store=postgres.uri).code == 1
    records = tracking.read(postgres.uri, "small")
    assert Counter(str(one.result.status) for one in records) == {"finished": 2, "failed": 2}
    traces = [one.result.traceback for one in records if one.result.traceback]
    assert len(traces) == 2
    assert all("step 5 went wrong" in trace for trace in traces)
    assert (tmp_path / "outputs" / "small" / "report" / "index.html").is_file()
    assert (tmp_path / "outputs" / "artifacts" / "small").is_dir()
    again = optbench(*words, store=postgres.uri)
    assert "4 trials, 2 recorded, 2 to run" in again.out


@pytest.mark.slow  # minutes
def test_eight_workers_on_a_server_over_postgresql(postgres, tmp_path):
    server = MlflowServer(tmp_path, postgres.uri)
    server.start()
    try:

        def kill():
            postgres.kill()
            server.kill()

        def start():
            postgres.start()
            server.start()

        process = start_command(tmp_path, *SWEEP, *EIGHT, f"tracking.uri={server.uri}")
        through_an_outage(process, server.uri, kill, start)
    finally:
        server.kill()


@pytest.mark.slow  # minutes
def test_the_database_alone_is_gone_under_its_server(postgres, tmp_path):
    server = MlflowServer(tmp_path, postgres.uri)
    server.start()
    try:
        process = start_command(tmp_path, *SWEEP, f"tracking.uri={server.uri}")
        through_an_outage(process, server.uri, postgres.kill, postgres.start)
    finally:
        server.kill()


@pytest.mark.slow  # minutes
def test_eight_workers_on_the_database_itself(postgres, tmp_path):
    process = start_command(tmp_path, *SWEEP, *EIGHT, f"tracking.uri={postgres.uri}")
    tracking.prepare(postgres.uri, "many")
    through_an_outage(process, postgres.uri, postgres.kill, postgres.start)
