"""Real processes that are ended from outside, or meet each other: what is recorded and left."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bench import tracking
from tests.helpers.mlflow_runs import runs_of

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


def command(*words):
    return [sys.executable, "-m", "bench", *words, "report=false"]


def begin(cwd, *words):
    """A command in a session of its own, so that all its processes can be found."""
    return subprocess.Popen(
        command(*words),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell lets what it starts in the background ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def when(true, process=None):
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not (found := true()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return found


def training(uri, study):
    """Whether some trial of it has been evaluated."""
    return [run for run in runs_of(uri, study) if run.data.metrics]


def left(session):
    """The processes that still run of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def statuses(uri, study):
    return Counter(str(record.result.status) for record in tracking.read(uri, study))


SLOW = pytest.mark.slow
LONG = ["task=digits", "model.hidden=[8]", "budget.steps=1000000", "budget.eval_every=50"]


@pytest.mark.parametrize(
    "launcher", ["single", "joblib", *(pytest.param(n, marks=SLOW) for n in ("basic", "stacked"))]
)
def test_sigterm_ends_with_143_and_a_line(launcher, uri, tmp_path):
    words = [*LONG, "study=ended", f"tracking.uri={uri}"]
    if launcher != "single":
        words = ["-m", *words, "seed=0,1,2", *LAUNCHERS[launcher]]
    assert_ended_by_sigterm(begin(tmp_path, *words), uri, "ended")


def assert_ended_by_sigterm(process, uri, study):
    """A sweep that trains ends by SIGTERM with its code and one line; nothing of it is left."""
    when(lambda: training(uri, study), process)
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    said = [line for line in err.splitlines() if line.strip()]
    assert said == ["terminated; what is recorded stands; the same command runs what is missing"]
    when(lambda: not left(process.pid))
    assert list(runs_of(uri, study)) == []


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_once_or_twice(presses, launcher, uri, tmp_path):
    words = ["-m", *LONG, "seed=0,1,2", *LAUNCHERS[launcher], "study=ended", f"tracking.uri={uri}"]
    process = begin(tmp_path, *words)
    when(lambda: training(uri, "ended"), process)
    for _ in range(presses):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        time.sleep(0.2)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    when(lambda: not left(process.pid))
    again = ["-m", *LONG, "seed=0", "study=ended", "budget.steps=20", f"tracking.uri={uri}"]
    ended = subprocess.run(command(*again), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert ended.returncode == 0
    assert statuses(uri, "ended") == {"finished": 1}


@pytest.mark.slow  # a minute
def test_workers_end_with_their_parent_and_the_rerun_doubles_nothing(uri, tmp_path):
    words = ["-m", "task=digits", "seed=range(0,6)", "budget.steps=3000", "budget.eval_every=50"]
    words += ["study=orphans", f"tracking.uri={uri}", *LAUNCHERS["joblib"]]
    process = begin(tmp_path, *words)
    when(lambda: training(uri, "orphans"), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    when(lambda: not left(process.pid))
    done = len(tracking.read_results(uri, "orphans"))
    ended = subprocess.run(command(*words), cwd=tmp_path, timeout=2 * PATIENCE, check=False)
    assert ended.returncode == 0
    assert statuses(uri, "orphans") == {"finished": 6}
    assert done < 6
    assert not [run for run in runs_of(uri, "orphans") if run.info.status == "RUNNING"]


def both(uri, tmp_path, launcher, seeds, steps):
    """Two equal sweeps at once, on a store that is not there yet; what they said."""
    words = ["-m", "task=digits", "model.hidden=[8]", f"seed=range(0,{seeds})", "study=equal"]
    words += [f"budget.steps={steps}", f"tracking.uri={uri}", *LAUNCHERS[launcher]]
    processes = [begin(tmp_path, *words) for _ in range(2)]
    said = [process.communicate(timeout=2 * PATIENCE) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert not any("Traceback" in text for pair in said for text in pair)
    assert statuses(uri, "equal") == {"finished": seeds}
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
