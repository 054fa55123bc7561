"""Sweeps: what is recorded is not run again, what goes wrong is a row."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from bench import tracking
from bench.spec import Status
from tests.helpers.services.mlflow_runs import runs_of

FAST = ["task=digits", "budget.steps=40", "report=false"]


def statuses(uri, study):
    return Counter(str(record.result.status) for record in tracking.read(uri, study))


def test_one_trial_is_answered_from_its_record(optbench, uri, monkeypatch):
    first = optbench(*FAST, "seed=0")
    assert first.code == 0
    monkeypatch.setattr("bench.trial.run.run_trial", None)  # anything that trains would fail
    second = optbench(*FAST, "seed=0")
    assert second.code == 0
    assert "from the record" in second.out
    assert len(second.out.strip().splitlines()) == 1
    assert len(tracking.read(uri, "scratch")) == 1


def test_a_new_store_and_the_same_seed_give_the_same_record(optbench, uri, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.db'}"
    curves, finals = [], []
    for store in (uri, other):
        assert optbench(*FAST, "seed=3", store=store).code == 0
        (record,) = tracking.read(store, "scratch")
        curves.append([dict(p.values) | {"train_time_s": 0} for p in record.result.curve])
        finals.append(record.result.final)
    assert curves[0] == curves[1]
    assert finals[0] == finals[1]
    assert "test/accuracy" in finals[0]


def test_diverging_is_a_result(optbench, uri):
    words = ["optimizer=adam,sgd", "optimizer.lr=1e-3,1e30", "seed=0,1", "study=faults"]
    ended = optbench("-m", *FAST, *words)
    assert ended.code == 0
    assert statuses(uri, "faults") == {"finished": 4, "diverged": 4}
    assert "8/8" in ended.out


@pytest.fixture
def my_conf(tmp_path):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "raises.yaml").write_text("_target_: tests.helpers.faulty.Raises\nlr: 0.1\nat: 20\n")
    return folder.parent


def test_a_failing_trial_is_a_row_and_the_sweep_goes_on(optbench, uri, my_conf):
    words = ["--config-dir", str(my_conf), "-m", *FAST, "optimizer=raises,sgd", "seed=0,1"]
    ended = optbench(*words, "study=fails")
    assert ended.code == 1
    assert statuses(uri, "fails") == {"finished": 2, "failed": 2}
    assert "2 failed:" in ended.err
    assert "digits · raises · default · seed 1: ArithmeticError: step 20 went wrong" in ended.err
    again = optbench(*words, "study=fails")  # failures are tried again, answers are not
    assert "4 trials, 2 recorded, 2 to run" in again.out
    assert again.code == 1


def test_a_failing_trial_alone_ends_in_1(optbench, my_conf):
    ended = optbench("--config-dir", str(my_conf), *FAST, "optimizer=raises")
    assert ended.code == 1
    assert "step 20 went wrong" in ended.out


def test_a_sweep_runs_what_is_missing_and_each_trial_once(optbench, uri):
    assert "2 to run" in optbench("-m", *FAST, "seed=0,1", "study=grows").out
    ended = optbench("-m", *FAST, "seed=0,1,2,2", "study=grows")
    assert "3 trials, 2 recorded, 1 to run" in ended.out
    assert len(tracking.read(uri, "grows")) == 3


def test_lines_say_which_model_where_it_is_not_the_tasks_own(optbench):
    ended = optbench("-m", "task=digits", "model=mlp,cnn", "budget.steps=2", "report=false")
    assert "1/2 digits · adam · default · seed 0: finished" in ended.out
    assert "2/2 digits · cnn · adam · default · seed 0: finished" in ended.out


def test_batches_of_a_sweep_all_run(optbench, uri):
    ended = optbench("-m", *FAST, "seed=0,1,2", "hydra.sweeper.max_batch_size=2", "study=b")
    assert ended.code == 0
    assert statuses(uri, "b") == {"finished": 3}


def test_an_experiment_brings_its_own_sweep(optbench, uri, my_conf):
    (my_conf / "experiment").mkdir()
    (my_conf / "experiment" / "two.yaml").write_text(
        "# @package _global_\nstudy: two\nhydra: {sweeper: {params: {seed: '0,1'}}}\n"
    )
    optbench("--config-dir", str(my_conf), "-m", *FAST, "experiment=two")
    assert sorted(record.config["seed"] for record in tracking.read(uri, "two")) == [0, 1]


def test_an_optimizer_of_ones_own_needs_one_file_and_one_yaml(optbench, uri, my_conf, tmp_path):
    (tmp_path / "own_descent.py").write_text(
        "from tests.helpers.faulty import AnyLR\nclass Mine(AnyLR): pass\n"
    )
    (my_conf / "optimizer" / "mine.yaml").write_text("_target_: own_descent.Mine\nlr: 0.5\n")
    words = ["--config-dir", str(my_conf), *FAST, "optimizer=mine", "study=own"]
    assert optbench(*words).code == 0
    (record,) = tracking.read(uri, "own")
    assert record.config["optimizer"]["target"] == "own_descent.Mine"
    assert record.result.status is Status.FINISHED


SCHEDULE_FREE = """
_target_: pytorch_optimizer.ScheduleFreeSGD
lr: 0.5
bench: {needs: [eval_mode], schedules: [constant]}
"""


def test_what_does_not_apply_is_skipped_with_its_reason(optbench, uri, my_conf):
    (my_conf / "optimizer" / "free.yaml").write_text(SCHEDULE_FREE)
    muon = "_target_: torch.optim.Muon\nlr: 0.02\nbench: {param_groups: matrices}\n"
    (my_conf / "optimizer" / "ortho.yaml").write_text(muon)
    words = ["--config-dir", str(my_conf), "optimizer=free,ortho", "schedule=constant,cosine"]
    fast = ["task=digits,langid", "budget.steps=5", "report=false", "study=some"]
    ended = optbench("-m", *words, *fast)
    assert ended.code == 0, ended.err
    reasons = Counter(r.result.reason for r in tracking.read(uri, "some"))
    assert reasons == {
        "": 4,  # ortho on digits, free with a constant rate
        "free allows schedule=constant only, not cosine": 2,
        "Bag has no hidden matrix to update": 2,
    }
    assert "8 recorded, 0 to run" in optbench("-m", *words, *fast).out
    alone = optbench(*words[:2], "optimizer=free", "schedule=cosine", "seed=1", *fast[1:])
    assert alone.code == 2
    assert "allows schedule=constant only" in alone.err


def test_what_is_assumed_of_a_plain_yaml_is_said_once(optbench, my_conf):
    plain = "_target_: torch.optim.SGD\nlr: 0.1\n"
    (my_conf / "optimizer" / "plain.yaml").write_text(plain)
    words = ["--config-dir", str(my_conf), "task=digits", "budget.steps=5", "report=false"]
    sweep = optbench("-m", *words, "optimizer=plain,adam", "seed=0,1").out
    assert sweep.count("assumed: one gradient a step") == 1
    assert "assumed" in optbench(*words, "optimizer=plain", "seed=2").out
    assert "assumed" not in optbench(*words, "optimizer=adam", "seed=2").out


def test_epochs_are_counted_in_full_batches(optbench, uri):
    optbench("task=digits", "batch_size=100", "budget.epochs=2", "study=epochs")
    (record,) = tracking.read(uri, "epochs")
    assert record.config["budget"]["steps"] == 2 * (1077 // 100)


def command(*words):
    return [sys.executable, "-m", "bench", *words]


def test_killed_and_continued_every_trial_is_there_once(uri, tmp_path):
    """kill -9 of a sweep in two workers at about half, then the same sweep by another launcher."""
    words = ["-m", "task=digits", "seed=range(0,12)", "budget.steps=300", "study=killed"]
    words += ["report=false", f"tracking.uri={uri}"]
    workers = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    sweep = subprocess.Popen(
        command(*words, *workers), cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 180
    while len(tracking.read_results(uri, "killed")) < 5:
        assert sweep.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < deadline, "the sweep does not get on"
        time.sleep(0.05)
    os.killpg(sweep.pid, signal.SIGKILL)
    sweep.wait()
    done = len(tracking.read_results(uri, "killed"))
    assert 5 <= done < 12
    again = subprocess.run(
        command(*words), cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert again.returncode == 0, again.stderr
    assert f"12 trials, {done} recorded, {12 - done} to run" in again.stdout
    records = tracking.read(uri, "killed")
    assert sorted(record.config["seed"] for record in records) == list(range(12))
    assert {record.result.status for record in records} == {Status.FINISHED}
    assert not [run for run in runs_of(uri, "killed") if run.info.status == "RUNNING"]


def test_a_killed_worker_costs_its_own_trial_and_no_other(uri, tmp_path):
    """kill -9 of one of two workers while it trains: out of memory looks like that."""
    words = ["-m", "task=digits", "seed=range(0,4)", "budget.steps=2000", "study=murdered"]
    words += ["budget.eval_every=100", "report=false", f"tracking.uri={uri}"]
    words += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    sweep = subprocess.Popen(command(*words), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (victims := [run for run in runs_of(uri, "murdered") if run.data.metrics]):
        assert sweep.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(int(victims[0].data.tags["pid"]), signal.SIGKILL)
    _, err = sweep.communicate(timeout=240)
    assert sweep.returncode == 1, err
    reason = "its worker process ended: killed by SIGKILL (out of memory?)"
    assert statuses(uri, "murdered") == {"finished": 3, "failed": 1}
    (failed,) = (r for r in tracking.read(uri, "murdered") if r.result.status is Status.FAILED)
    assert failed.result.reason == reason
    assert str(failed.config["seed"]) == victims[0].data.tags["seed"]
    assert reason in err
    assert "Traceback" not in err
    again = subprocess.run(
        command(*words), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "4 trials, 3 recorded, 1 to run" in again.stdout


def test_interrupted_by_a_person_it_ends_calmly(uri, tmp_path):
    words = ["-m", "task=digits", "seed=range(0,4)", "budget.steps=1000000", "study=stopped"]
    words += ["budget.eval_every=100"]
    sweep = subprocess.Popen(
        command(*words, "report=false", f"tracking.uri={uri}"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # a shell lets what it starts in the background ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 120
    while not any(run.data.metrics for run in runs_of(uri, "stopped")):  # it trains
        assert sweep.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sweep.send_signal(signal.SIGINT)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert "the same command runs what is missing" in err
    assert "Traceback" not in err
    assert list(runs_of(uri, "stopped")) == []
