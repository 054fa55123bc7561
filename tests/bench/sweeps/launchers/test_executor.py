"""``hydra/launcher=stacked`` from the command line."""

import signal
from collections import Counter

import pytest
import torch

from bench import tracking
from bench.spec import CurvePoint
from bench.stack import probe as stack_probe
from bench.stack import run as stack
from bench.stack.probe import Gain
from bench.trial.state import TrialState
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec

FAST = ["-m", "task=digits", "model.hidden=[8]", "budget.steps=20", "report=false"]
STACKED = "hydra/launcher=stacked"
PROBE = stack_probe.probe


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """A verdict that does not depend on this machine; tests of the probe take it away."""
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(len(specs), 5.0, 1))


def records(uri, study):
    return tracking.read(uri, study)


def statuses(uri, study):
    return Counter(str(record.result.status) for record in records(uri, study))


def curves(uri, study):
    return {
        (record.config["optimizer"]["name"], record.config["seed"], str(record.point)): [
            (point.step, {k: v for k, v in point.values.items() if k != "train_time_s"})
            for point in record.result.curve
        ]
        for record in records(uri, study)
    }


def test_the_record_is_that_of_the_basic_launcher(optbench, uri):
    words = [*FAST, "optimizer=adam,sgd", "optimizer.lr=1e-3,1e-2", "seed=0,1"]
    ended = optbench(*words, STACKED, "study=stacked")
    assert ended.code == 0
    assert "mlp on digits: 8 trials at once; stacking 8 gains 5.0x" in ended.out
    assert "8/8 digits · sgd" in ended.out
    assert optbench(*words, "study=basic").code == 0
    together, alone = curves(uri, "stacked"), curves(uri, "basic")
    assert together.keys() == alone.keys()
    for key, curve in alone.items():
        for (step, values), (own_step, own) in zip(curve, together[key], strict=True):
            assert step == own_step
            assert own == pytest.approx(values, rel=1e-5)
    hashes = [{r.config_hash for r in records(uri, study)} for study in ("stacked", "basic")]
    assert hashes[0] == hashes[1]
    tags = [run.data.tags["launcher"] for run in runs_of(uri, "stacked")]
    assert set(tags) == {"stacked"}
    assert {r.result.summary["stack_size"] for r in records(uri, "stacked")} == {8.0}


def test_a_sweep_is_continued_by_any_launcher(optbench, uri):
    optbench(*FAST, "seed=0,1", "study=grows")
    assert "1 to run" in optbench(*FAST, "seed=0,1,2", STACKED, "study=grows").out
    assert "2 to run" in optbench(*FAST, "seed=range(0,5)", STACKED, "study=grows").out
    assert statuses(uri, "grows") == {"finished": 5}


@pytest.fixture
def my_conf(tmp_path):
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "raises_early.yaml").write_text(
        "_target_: tests.helpers.faulty.Raises\nlr: 0.1\nat: 10\n"
    )
    (folder / "searches.yaml").write_text(
        "_target_: torch.optim.LBFGS\nlr: 0.1\nbench: {needs: [closure]}\n"
    )
    return folder.parent


def test_every_way_of_ending_in_one_sweep(optbench, uri, my_conf):
    words = ["--config-dir", str(my_conf), *FAST, "optimizer=raises_early,sgd,searches", "seed=0,1"]
    ended = optbench(*words, "optimizer.lr=0.1,1e30", STACKED, "study=mixed")
    assert ended.code == 1
    assert "mlp on digits: 4 one by one: searches needs closure" in ended.out
    assert "mlp on digits: 8 trials at once" in ended.out
    found = statuses(uri, "mixed")
    assert found["failed"] >= 2
    assert found["finished"] >= 4
    assert found["diverged"] >= 2
    assert found.total() == 12
    assert "step 10 went wrong" in ended.err
    again = optbench(*words, "optimizer.lr=0.1,1e30", STACKED, "study=mixed")
    assert f"{found['failed']} to run" in again.out


def test_tasks_and_models_that_differ_make_stacks_of_their_own(optbench, uri):
    words = ["-m", "budget.steps=4", "report=false", "seed=0,1", "batch_size=8", STACKED]
    ended = optbench(*words, "task=langid", "model=bag,lstm", "study=two")
    assert "bag on langid: 2 trials at once" in ended.out
    assert "lstm on langid: 2 one by one: lstm does not run under vmap" in ended.out
    assert statuses(uri, "two") == {"finished": 4}
    assert len(records(uri, "two")) == 4


def test_the_size_of_stacks_can_be_set(optbench, uri):
    ended = optbench(*FAST, "seed=range(0,5)", STACKED, "stack.size=2", "study=size")
    assert ended.out.count("trials at once") == 2
    sizes = Counter(r.result.summary.get("stack_size", 1.0) for r in records(uri, "size"))
    assert sizes == {2.0: 4, 1.0: 1}
    alone = optbench(*FAST, "seed=0,1", STACKED, "stack.size=1", "study=never")
    assert alone.code == 0
    assert [r.result.summary.get("stack_size") for r in records(uri, "never")] == [None, None]


def test_where_stacking_loses_trials_run_one_by_one(optbench, uri, monkeypatch):
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(2, 0.9, 1))
    ended = optbench(*FAST, "seed=0,1", STACKED, "study=slow")
    assert "mlp on digits: stacking 2 gains 0.9x, one by one instead" in ended.out
    assert [r.result.summary.get("stack_size") for r in records(uri, "slow")] == [None, None]
    forced = optbench(*FAST, "seed=0,1", STACKED, "stack.size=2", "study=forced")
    assert "2 trials at once" in forced.out


def test_a_stack_that_fails_as_a_whole_is_run_one_by_one(optbench, uri, monkeypatch):
    def fails(specs, *rest):
        raise MemoryError("no room")

    monkeypatch.setattr(stack, "run_stack", fails)
    ended = optbench(*FAST, "seed=0,1", STACKED, "study=whole")
    assert ended.code == 0
    assert "ended by MemoryError: no room; one by one now" in ended.out
    assert statuses(uri, "whole") == {"finished": 2}


def test_a_probe_that_fails_decides_nothing(optbench, uri, my_conf, monkeypatch):
    monkeypatch.setattr(stack_probe, "probe", PROBE)
    monkeypatch.setattr("bench.runtime.processes.cores", lambda: 1)
    words = ["--config-dir", str(my_conf), *FAST, "optimizer=raises_early", "optimizer.at=2"]
    ended = optbench(*words, "seed=0,1", STACKED)
    assert "mlp on digits: 2 trials at once; not measured" in ended.out
    assert ended.code == 1
    assert statuses(uri, "scratch") == {"failed": 2}


def test_what_cannot_be_stacked_runs_without_trying(optbench, uri):
    optbench(*FAST, "seed=0,1", "trainer.precision=bf16-mixed", STACKED, "study=half")
    assert statuses(uri, "half") == {"finished": 2}


def test_what_kill_9_left_behind_is_run_again(optbench, uri, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr("os.getpid", lambda: 2**22 + 1)  # no process has this number
        killed.setattr("bench.tracking.owner._read_start", lambda pid: "0.0")
        specs = [trial_spec(seed=seed, study="killed") for seed in (0, 1)]
        records = tracking.open_recorder(uri, specs, "stacked")
        records.__enter__()  # and never leave
        records.log(0, CurvePoint(20, {"val/loss": 1.0}))
    assert [run.info.status for run in runs_of(uri, "killed")] == ["RUNNING"] * 2
    assert (
        "2 trials, 0 recorded, 2 to run" in optbench(*FAST, "seed=0,1", STACKED, "study=killed").out
    )
    assert statuses(uri, "killed") == {"finished": 2}


def test_interrupted_by_a_person_it_keeps_what_has_ended(optbench, uri, my_conf, monkeypatch):
    def interrupted(state, step, measured, made):
        if step > 10:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrialState, "add_evaluation", interrupted)
    words = ["--config-dir", str(my_conf), *FAST, "optimizer=raises_early,sgd", "seed=0,1"]
    ended = optbench(*words, STACKED, "study=stopped")
    assert ended.code == 130
    assert "the same command runs what is missing" in ended.err
    assert [run.info.status for run in runs_of(uri, "stopped")] == ["FAILED"] * 2


def test_a_stack_that_is_out_of_memory_is_halved_until_it_fits(optbench, uri, monkeypatch):
    sizes, run = [], stack.run_stack

    def small_memory(specs, *rest):
        sizes.append(len(specs))
        if len(specs) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return run(specs, *rest)

    monkeypatch.setattr(stack, "run_stack", small_memory)
    ended = optbench(*FAST, "optimizer=adam", "seed=range(0,8)", STACKED, "study=halved")
    assert ended.code == 0
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert "8 trials at once do not fit the memory; half of them now" in ended.out
    assert statuses(uri, "halved") == {"finished": 8}
    assert {int(r.result.summary["stack_size"]) for r in records(uri, "halved")} == {2}


def test_two_that_are_out_of_memory_run_one_by_one(optbench, uri, monkeypatch):
    def none(specs, *rest):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(stack, "run_stack", none)
    ended = optbench(*FAST, "optimizer=adam", "seed=0,1", STACKED, "study=alone")
    assert ended.code == 0
    assert "one by one now" in ended.out
    assert statuses(uri, "alone") == {"finished": 2}
