"""PostgreSQL under an MLflow server, and by its own address: nothing lost, nothing doubled."""

from __future__ import annotations

import importlib.util
import time
from collections import Counter

import pytest

from bench import tracking
from tests.bench.sweeps.postgres import Postgres, programs
from tests.bench.sweeps.test_processes import PATIENCE, begin
from tests.bench.sweeps.test_store_lost import Server

pytestmark = pytest.mark.slow

EIGHT = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=8"]
TRIALS, POINTS, GONE = 200, 20, 30
SWEEP = ["-m", "task=digits", "model.hidden=[8]", "optimizer.lr=1e-3,1e-2", "budget.steps=20"]
SWEEP += [f"seed=range(0,{TRIALS // 2})", "study=many"]


@pytest.fixture
def postgres():
    if programs() is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("needs Debian's package postgresql and pip install 'optbench[postgres]'")
    one = Postgres()
    one.start()
    yield one
    one.remove()


def complete(uri):
    """Every trial stands there once, with its whole curve."""
    found = list(tracking.runs(uri, "many"))
    assert Counter(run.info.status for run in found) == {"FINISHED": TRIALS}
    assert len({run.data.tags["config_hash"] for run in found}) == TRIALS
    records = tracking.read(uri, "many")
    assert {str(record.result.status) for record in records} == {"finished"}
    assert {len(record.result.curve) for record in records} == {POINTS}
    assert {tuple(sorted(p.values)) for r in records for p in r.result.curve[:-1]} == {
        ("lr", "train/loss", "train_time_s", "val/accuracy", "val/loss")
    }


def ended(uri):
    found = list(tracking.runs(uri, "many", " AND attributes.status = 'FINISHED'"))
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


def test_eight_workers_on_a_server_over_postgresql(postgres, tmp_path):
    server = Server(tmp_path, postgres.uri)
    server.start()
    try:

        def kill():
            postgres.kill()
            server.kill()

        def start():
            postgres.start()
            server.start()

        process = begin(tmp_path, *SWEEP, *EIGHT, f"tracking.uri={server.uri}")
        through_an_outage(process, server.uri, kill, start)
    finally:
        server.kill()


def test_the_database_alone_is_gone_under_its_server(postgres, tmp_path):
    server = Server(tmp_path, postgres.uri)
    server.start()
    try:
        process = begin(tmp_path, *SWEEP, f"tracking.uri={server.uri}")
        through_an_outage(process, server.uri, postgres.kill, postgres.start)
    finally:
        server.kill()


def test_eight_workers_on_the_database_itself(postgres, tmp_path):
    process = begin(tmp_path, *SWEEP, *EIGHT, f"tracking.uri={postgres.uri}")
    tracking.prepare(postgres.uri, "many")
    through_an_outage(process, postgres.uri, postgres.kill, postgres.start)
