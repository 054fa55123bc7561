"""A sweep whose parts are jobs of a cluster: how they are divided, and what their ends leave."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bench import tracking
from bench.sweeps.launchers import submitit
from bench.sweeps.launchers.cluster import divide
from bench.sweeps.launchers.cluster_job import ClusterJob, JobResult
from tests.helpers.processes import (
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
from tests.helpers.specs import trial_spec

FAST = ["-m", "task=digits", "model.hidden=[8]", "budget.steps=20", "report=false"]
LOCAL = ["hydra/launcher=submitit_local", "hydra.launcher.trials_per_job=2"]
ENGINES = {"ray": ["hydra/launcher=ray"], "submitit_local": ["hydra/launcher=submitit_local"]}
NODE = "a machine that lost its power"


class Nodes:
    """An engine whose jobs run in this process when they are asked for; some die, in some way."""

    slots, queues = 2, False

    def __init__(self, **ways):
        self.ways, self.submitted, self.cancelled = ways, [], []

    def submit(self, parts):
        first = len(self.submitted)
        self.submitted += parts
        return list(range(first, len(self.submitted)))

    def done(self, job):
        return self.ways.get(f"job{job}") != "hangs"

    def result(self, job):
        way, before = self.ways.get(f"job{job}", ""), dict(os.environ)
        part = self.submitted[job]
        try:
            if way == "dies":
                replace(part, specs=part.specs[:1])()
                records = tracking.open_recorder(part.uri, part.specs[1:], "stacked")
                records.__enter__()  # and never leave
                raise ConnectionError(NODE)
            return JobResult(**{way: "why not"}) if way in ("refused", "lost") else part()
        finally:
            os.environ.clear()
            os.environ.update(before)

    def cancel(self, job):
        self.cancelled.append(job)
        self.ways[f"job{job}"] = ""


@pytest.fixture
def nodes(monkeypatch):
    """Puts such an engine in the place of Submitit's."""

    def make(**ways):
        engine = Nodes(**ways)

        @contextmanager
        def opened(launcher):
            yield engine

        monkeypatch.setattr(submitit.LocalLauncher, "engine", opened)
        return engine

    return make


def seeds(uri, study):
    found = runs_of(uri, study)
    return Counter((run.data.tags["seed"], run.data.tags["status"]) for run in found)


def test_alike_trials_are_divided_evenly():
    specs = [trial_spec(seed=seed) for seed in range(5)]
    longer = [trial_spec(seed=seed, steps=80) for seed in range(2)]
    mixed = [specs[0], longer[0], *specs[1:], longer[1]]
    assert divide(mixed, 64) == [[0, 2, 3, 4, 5], [1, 6]]
    assert divide(mixed, 4) == [[0, 2], [3, 4, 5], [1, 6]]
    assert divide(mixed, 1) == [[0], [2], [3], [4], [5], [1], [6]]


def test_every_job_is_run_and_names_itself(optbench, uri, nodes):
    engine = nodes()
    ended = optbench(*FAST, *LOCAL, "seed=range(0,5)", "study=parts")
    assert ended.code == 0, ended.err
    assert "5 trials in 3 jobs of submitit_local" in ended.out
    assert [len(part.specs) for part in engine.submitted] == [1, 2, 2]
    assert seeds(uri, "parts") == {(str(seed), "finished"): 1 for seed in range(5)}
    jobs = Counter(run.data.tags["job"] for run in runs_of(uri, "parts"))
    assert jobs == {part.name: len(part.specs) for part in engine.submitted}


def test_a_job_that_dies_costs_what_it_had_not_recorded(optbench, uri, nodes):
    nodes(job1="dies")
    words = [*FAST, *LOCAL, "hydra.launcher.trials_per_job=3", "seed=range(0,6)", "study=dies"]
    ended = optbench(*words)
    assert ended.code == 1
    assert "2 failed:" in ended.err
    assert ended.err.count(f"ended: ConnectionError: {NODE}") == 2
    assert seeds(uri, "dies") == {
        **{(str(seed), "finished"): 1 for seed in range(4)},
        **{(str(seed), "failed"): 1 for seed in (4, 5)},
    }
    assert not [r for r in runs_of(uri, "dies") if r.info.status == "RUNNING"]
    nodes()
    again = optbench(*words)
    assert again.code == 0, again.err
    assert "6 trials, 4 recorded, 2 to run" in again.out
    assert Counter(run.data.tags["seed"] for run in runs_of(uri, "dies")) == {
        **{str(seed): 1 for seed in range(4)},
        **{"4": 2, "5": 2},  # the failure stands beside the answer
    }


def test_what_a_node_refuses_or_loses_ends_the_sweep_and_its_other_jobs(optbench, uri, nodes):
    for way, code in (("refused", 2), ("lost", 1)):
        engine = nodes(job0=way, job1="hangs")
        ended = optbench(*FAST, *LOCAL, "seed=range(0,4)", f"study={way}")
        assert ended.code == code
        assert "why not" in ended.err
        assert "Traceback" not in ended.err
        assert engine.cancelled == [1]
        assert seeds(uri, way) == {}


def test_a_job_that_is_queued_again_goes_on(uri, tmp_path, monkeypatch):
    """What was recorded stands; what its former life held, on another machine, is free."""

    monkeypatch.setenv("OPTBENCH_JOB", "none")
    monkeypatch.setattr(sys, "path", [*sys.path])
    specs = tuple(trial_spec(seed=seed, study="again", steps=20) for seed in range(3))
    part = ClusterJob("job-7", specs, uri, None, 1, (), str(tmp_path / "not there"))
    replace(part, specs=specs[:1])()
    with monkeypatch.context() as there:
        there.setattr("socket.gethostname", lambda: "elsewhere")
        tracking.open_recorder(uri, specs[1:], "stacked").__enter__()
    assert seeds(uri, "again") == {("0", "finished"): 1, ("1", "running"): 1, ("2", "running"): 1}
    ended = part.checkpoint().function()
    assert [one.status for one in ended.results] == ["elsewhere", "finished", "finished"]
    assert seeds(uri, "again") == {(str(seed), "finished"): 1 for seed in range(3)}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hydra/launcher=submitit_slurm"], "other machines cannot record into a file"),
        (["hydra/launcher=ray", "hydra.launcher.ray.init.address=auto"], "tracking.uri=sqlite"),
        ([*LOCAL, "hydra.launcher.nodes=2"], "hydra.launcher.nodes=2: a job is one process"),
        ([*LOCAL, "hydra.launcher.trials_per_job=0"], "trials_per_job=0: not a positive number"),
        ([*LOCAL, "hydra.launcher.mem_gb=much"], "hydra/launcher=submitit_local: "),
    ],
)
def test_what_cannot_be_is_refused(words, told, optbench, uri):
    ended = optbench(*FAST, *words, "seed=0,1", "study=none")
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("launcher", "package", "extra"),
    [("ray", "ray", "ray"), ("submitit_local", "submitit", "slurm")],
)
def test_a_missing_package_is_named_with_its_extra(launcher, package, extra, optbench, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    ended = optbench(*FAST, f"hydra/launcher={launcher}", "seed=0,1")
    assert ended.code == 2
    assert f"pip install 'optbench[{extra}]'" in ended.err


LONG = ["-m", "task=digits", "model.hidden=[8]", "seed=range(0,4)", "budget.eval_every=50"]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ENGINES)
def test_a_killed_node_costs_its_own_trials_and_the_rerun_completes(launcher, uri, tmp_path):
    if importlib.util.find_spec({"ray": "ray"}.get(launcher, "submitit")) is None:
        pytest.skip("not installed")
    words = [*LONG, "study=killed", "budget.steps=6000", f"tracking.uri={uri}", *ENGINES[launcher]]
    words += ["hydra.launcher.trials_per_job=2"]
    process = start_command(tmp_path, *words)
    first, *_ = wait_until(lambda: find_evaluated_runs(uri, "killed"), process)
    os.kill(int(first.data.tags["pid"]), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    assert "Traceback" not in err
    assert count_statuses(uri, "killed") == {"finished": 2, "failed": 2}
    assert not [r for r in runs_of(uri, "killed") if r.info.status == "RUNNING"]
    wait_until(lambda: not find_processes(process.pid))
    again = subprocess.run(build_command(*words), cwd=tmp_path, timeout=PATIENCE, check=False)
    assert again.returncode == 0
    assert count_statuses(uri, "killed") == {"finished": 4, "failed": 2}
    answered = [r for r in runs_of(uri, "killed") if r.data.tags["status"] == "finished"]
    assert Counter(r.data.tags["seed"] for r in answered) == {str(seed): 1 for seed in range(4)}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ENGINES)
def test_sigterm_ends_the_jobs_too(launcher, uri, tmp_path):
    words = [*LONG, "study=ended", "budget.steps=1000000", f"tracking.uri={uri}"]
    assert_ended_by_sigterm(start_command(tmp_path, *words, *ENGINES[launcher]), uri, "ended")
