"""A store that goes away while trials run: a server that is gone, a disk that is full."""

import shutil
import subprocess
import time
from collections import Counter

import pytest

from tests.helpers.processes import (
    LAUNCHERS,
    PATIENCE,
    build_command,
    count_statuses,
    find_processes,
    start_command,
    wait_until,
)
from tests.helpers.services.mlflow_runs import runs_of

pytestmark = pytest.mark.slow

SWEEP = ["-m", "task=digits", "model.hidden=[8]", "seed=range(0,6)", "study=held"]
SWEEP += ["budget.steps=2000", "budget.eval_every=20"]


def half_way(server, process, launcher):
    """Wait until a trial has been recorded and another is on its way; a stack ends as a whole."""
    stacks = launcher in ("stacked", "submitit_local", "ray")
    wanted = {"RUNNING"} if stacks else {"RUNNING", "FINISHED"}

    def so():
        found = runs_of(server.uri, "held")
        return {run.info.status for run in found if run.data.metrics} == wanted

    wait_until(so, process)


def each_once(uri):
    assert count_statuses(uri, "held") == {"finished": 6}
    runs = list(runs_of(uri, "held"))
    assert Counter(run.data.tags["seed"] for run in runs) == {str(seed): 1 for seed in range(6)}
    assert {run.info.status for run in runs} == {"FINISHED"}


def stopped(process, uri):
    """It ended with exit code 1 and one calm line."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    (said,) = err.splitlines()
    assert said.startswith(f"stopped: tracking.uri={uri}: ")
    assert said.endswith("what is recorded stands; the same command runs what is missing")
    assert "Traceback" not in out
    wait_until(lambda: not find_processes(process.pid))


@pytest.mark.parametrize(
    ("launcher", "gone"), [("basic", 5), *((launcher, 30) for launcher in LAUNCHERS)]
)
def test_a_server_that_comes_back_is_waited_for(launcher, gone, server, tmp_path):
    process = start_command(tmp_path, *SWEEP, *LAUNCHERS[launcher], f"tracking.uri={server.uri}")
    half_way(server, process, launcher)
    server.kill()
    time.sleep(gone)
    assert process.poll() is None, process.communicate()
    server.start()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert err == ""
    each_once(server.uri)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_one_that_does_not_come_back_ends_the_sweep(launcher, server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default it waits four minutes
    words = [*SWEEP, *LAUNCHERS[launcher], f"tracking.uri={server.uri}"]
    process = start_command(tmp_path, *words)
    half_way(server, process, launcher)
    server.kill()
    stopped(process, server.uri)
    server.start()
    again = subprocess.run(build_command(*words), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert again.returncode == 0
    each_once(server.uri)


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for 32 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    done = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False)
    if not done or done.returncode:
        pytest.skip("no tmpfs can be mounted here: that takes root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_full_disk_ends_the_sweep_and_the_rerun_completes(
    launcher, small_disk, empty_store, tmp_path
):
    shutil.copy(empty_store, small_disk / "store.db")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 700_000))
    uri = f"sqlite:///{small_disk}/store.db"
    words = [*SWEEP, *LAUNCHERS[launcher], f"tracking.uri={uri}"]
    stopped(start_command(tmp_path, *words), uri)
    filler.unlink()
    again = subprocess.run(build_command(*words), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert again.returncode == 0
    each_once(uri)
