"""Sweeps in separate processes: their start, the wait for them, and their leftovers."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import psutil

from bench import tracking
from tests.helpers.services.mlflow_runs import runs_of

LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "stacked": ["hydra/launcher=stacked", "stack.size=24"],
    "submitit_local": ["hydra/launcher=submitit_local"],
    "ray": ["hydra/launcher=ray", "hydra.launcher.ray.init.num_cpus=2"],
}
if importlib.util.find_spec("submitit") is None:
    del LAUNCHERS["submitit_local"]
if importlib.util.find_spec("ray") is None:
    del LAUNCHERS["ray"]
PATIENCE = 300  # seconds: the machine may be busy with anything


def build_command(*words):
    """Write the command line of ``optbench``, without its report."""
    return [sys.executable, "-m", "bench", *words, "report=false"]


def start_command(cwd, *words):
    """Start a command in its own session, so that all its processes can be found."""
    return subprocess.Popen(
        build_command(*words),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell lets what it starts in the background ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def wait_until(condition, process=None):
    """Wait until a condition holds, while a process runs; return the condition's value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


def find_evaluated_runs(uri, study):
    """List the runs of a study that have been evaluated."""
    return [run for run in runs_of(uri, study) if run.data.metrics]


def find_processes(session):
    """List the processes of a session that still run."""
    running = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session and process.info["status"] != psutil.STATUS_ZOMBIE:
                running.append(process.pid)
    return running


def count_statuses(uri, study):
    """Count the records of a study by status."""
    return Counter(str(record.result.status) for record in tracking.read(uri, study))


def assert_ended_by_sigterm(process, uri, study):
    """Check that SIGTERM ends a training sweep with its exit code, one line and no leftovers."""
    wait_until(lambda: find_evaluated_runs(uri, study), process)
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    said = [line for line in err.splitlines() if line.strip()]
    assert said == ["terminated; what is recorded stands; the same command runs what is missing"]
    wait_until(lambda: not find_processes(process.pid))
    assert list(runs_of(uri, study)) == []
