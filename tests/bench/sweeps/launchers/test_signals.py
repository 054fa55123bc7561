"""Real processes that are ended from outside, or meet each other: what is recorded and left."""

import os
import re
import signal
import subprocess
import time
from collections import Counter

import pytest

from bench import tracking
from tests.helpers.processes import (
    LAUNCHERS,
    PATIENCE,
    assert_ended_by_sigterm,
    build_command,
    count_statuses,
    find_evaluated_runs,
    find_processes,
    start_command,
    wait_until,
)
from tests.helpers.services.mlflow_runs import runs_of

SLOW = pytest.mark.slow
LONG = ["task=digits", "model.hidden=[8]", "budget.steps=1000000", "budget.eval_every=50"]


@pytest.mark.parametrize(
    "launcher", ["single", "joblib", *(pytest.param(n, marks=SLOW) for n in ("basic", "stacked"))]
)
def test_sigterm_ends_with_143_and_a_line(launcher, uri, tmp_path):
    words = [*LONG, "study=ended", f"tracking.uri={uri}"]
    if launcher != "single":
        words = ["-m", *words, "seed=0,1,2", *LAUNCHERS[launcher]]
    assert_ended_by_sigterm(start_command(tmp_path, *words), uri, "ended")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_once_or_twice(presses, launcher, uri, tmp_path):
    words = ["-m", *LONG, "seed=0,1,2", *LAUNCHERS[launcher], "study=ended", f"tracking.uri={uri}"]
    process = start_command(tmp_path, *words)
    wait_until(lambda: find_evaluated_runs(uri, "ended"), process)
    for _ in range(presses):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        time.sleep(0.2)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    wait_until(lambda: not find_processes(process.pid))
    again = ["-m", *LONG, "seed=0", "study=ended", "budget.steps=20", f"tracking.uri={uri}"]
    ended = subprocess.run(build_command(*again), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert ended.returncode == 0
    assert count_statuses(uri, "ended") == {"finished": 1}


@pytest.mark.slow  # a minute
def test_workers_end_with_their_parent_and_the_rerun_doubles_nothing(uri, tmp_path):
    words = ["-m", "task=digits", "seed=range(0,6)", "budget.steps=3000", "budget.eval_every=50"]
    words += ["study=orphans", f"tracking.uri={uri}", *LAUNCHERS["joblib"]]
    process = start_command(tmp_path, *words)
    wait_until(lambda: find_evaluated_runs(uri, "orphans"), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    wait_until(lambda: not find_processes(process.pid))
    done = len(tracking.read_results(uri, "orphans"))
    ended = subprocess.run(build_command(*words), cwd=tmp_path, timeout=2 * PATIENCE, check=False)
    assert ended.returncode == 0
    assert count_statuses(uri, "orphans") == {"finished": 6}
    assert done < 6
    assert not [run for run in runs_of(uri, "orphans") if run.info.status == "RUNNING"]


def both(uri, tmp_path, launcher, seeds, steps):
    """Two equal sweeps at once, on a store that is not there yet; what they said."""
    words = ["-m", "task=digits", "model.hidden=[8]", f"seed=range(0,{seeds})", "study=equal"]
    words += [f"budget.steps={steps}", f"tracking.uri={uri}", *LAUNCHERS[launcher]]
    processes = [start_command(tmp_path, *words) for _ in range(2)]
    said = [process.communicate(timeout=2 * PATIENCE) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert not any("Traceback" in text for pair in said for text in pair)
    assert count_statuses(uri, "equal") == {"finished": seeds}
    seen = Counter(run.data.tags["seed"] for run in runs_of(uri, "equal"))
    assert set(seen.values()) == {1}
    assert len(seen) == seeds
    return [out for out, _ in said]


def test_two_equal_sweeps_share_the_work(tmp_path):
    said = both(f"sqlite:///{tmp_path}/new.db", tmp_path, "stacked", 6, 200)
    assert all(re.search(r"6/6 digits|6 recorded", out) for out in said)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_equal_sweeps_of_24(launcher, tmp_path):
    both(f"sqlite:///{tmp_path}/new.db", tmp_path, launcher, 24, 400)
