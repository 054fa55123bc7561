"""Processes that trials are forked into, and the one that they are forked from."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from bench.spec import Hardware
from bench.sweeps.launchers import workers
from bench.tracking.owner import is_alive
from tests.helpers.specs import trial_spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

PARENT = """
import os
from multiprocessing import forkserver
from bench.sweeps.launchers.workers import warm_up
from tests.helpers.specs import trial_spec
warm_up([trial_spec()])
print(forkserver._forkserver._forkserver_pid, flush=True)
os._exit(0)
"""


def test_what_workers_are_forked_from_ends_with_its_parent_in_the_middle_of_its_imports():
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", PARENT], capture_output=True, text=True, check=True, timeout=120
    )
    assert ended.stderr == ""
    process = {"pid": ended.stdout.strip()}
    while is_alive(process) and time.monotonic() < began + 60:
        time.sleep(0.05)
    assert not is_alive(process)


def test_a_worker_has_the_environment_of_now(monkeypatch, uri):
    """It is forked from a process that was started with an earlier one."""
    workers.warm_up([trial_spec()])
    monkeypatch.setenv("OPTBENCH_OF_NOW", "yes")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(workers.execute, "run", told)
    (environment,) = workers.run_in_workers([trial_spec()], uri, 1, lambda at, result: None)
    assert environment == {"OPTBENCH_OF_NOW": "yes", "HOME": None}


def told(spec, uri, launcher):
    """In the worker: what it finds."""
    return {name: os.environ.get(name) for name in ("OPTBENCH_OF_NOW", "HOME")}


def test_trials_on_another_device_are_not_forked():
    gpu = trial_spec().within(hardware=Hardware("cuda"))
    assert workers._get_context([trial_spec(), gpu]).get_start_method() == "spawn"
    assert workers._get_context([trial_spec()]).get_start_method() == "forkserver"
