"""Several processes that meet a missing store at once."""

import pickle
import subprocess
import sys

import pytest

from bench import tracking
from tests.bench.specs import trial_spec

TRIAL = """
import pickle, sys
from bench import tracking
from bench.spec import Status, TrialResult
spec = pickle.loads(bytes.fromhex(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
with tracking.recorder(sys.argv[1], [spec], "basic") as records:
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


def test_a_store_that_is_there_is_opened_without_the_lock(uri, monkeypatch):
    def locked(path):
        raise AssertionError(f"{path} is locked")

    monkeypatch.setattr("bench.tracking.client.FileLock", locked)
    tracking.prepare(uri, "test")


def test_a_study_that_another_process_makes_meanwhile_is_used(uri, monkeypatch):
    made = tracking.prepare(uri, "test")
    known = tracking.client.experiment_id
    answers = iter([None])
    monkeypatch.setattr(
        "bench.tracking.client.experiment_id", lambda *study: next(answers, known(*study))
    )
    assert tracking.prepare(uri, "test") == made
