"""One trial on several devices: processes on this CPU, which talk by gloo."""

from __future__ import annotations

import pytest
import torch

from bench import tracking
from bench.build.components import load_task
from bench.spec import Hardware, RefusedInput
from bench.trial.batches import Batches
from bench.trial.distributed import ShardedBatches, refuse_batch_statistics
from bench.trial.run import run_trial
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec

DDP = ["trainer.devices=2", "trainer.strategy=ddp"]
TWO = Hardware(devices=2, strategy="ddp")
SGD = pytest.param("torch.optim.SGD", marks=pytest.mark.slow)


def test_the_shares_of_all_ranks_are_the_batch() -> None:
    spec = trial_spec(steps=5)
    task, cpu = load_task(spec), torch.device("cpu")
    shares = [ShardedBatches(Batches.from_spec(spec, task, cpu), rank, 4) for rank in range(4)]
    assert [len(share) for share in shares] == [5] * 4
    for whole, *parts in zip(Batches.from_spec(spec, task, cpu), *shares, strict=True):
        assert {len(part[0]) for part in parts} == {8}
        for side in (0, 1):
            assert torch.equal(torch.cat([part[side] for part in parts]), whole[side])


def untimed(values):
    return {name: value for name, value in values.items() if name != "train_time_s"}


@pytest.mark.parametrize("target", ["bench.optimizers.adam.Adam", SGD])
def test_two_processes_record_what_one_does(target) -> None:
    spec = trial_spec(target=target, point={"lr": 0.01}, steps=50, eval_every=10)
    alone, noted = run_trial(spec), []
    together = run_trial(spec.within(hardware=TWO), noted.append)
    assert together.status == alone.status == "finished"
    assert [point.step for point in noted] == [10, 20, 30, 40, 50]
    for point, expected in zip(together.curve, alone.curve, strict=True):
        assert untimed(point.values) == pytest.approx(untimed(expected.values), rel=1e-5)
    environment = dict(together.environment)
    assert environment.pop("world_size") == "2"
    assert environment == alone.environment


def test_a_sweep_of_them_runs_one_by_one_and_records_each_once(optbench, uri) -> None:
    words = ["-m", "task=digits", "budget.steps=20", "seed=0,1", "report=false", *DDP]
    ended = optbench(*words, "study=two")
    assert ended.code == 0, ended.err
    found = list(runs_of(uri, "two"))
    assert [run.data.tags["env.world_size"] for run in found] == ["2", "2"]
    assert {run.data.tags["seed"] for run in found} == {"0", "1"}


def test_a_rank_that_dies_is_a_failed_trial(optbench, uri, tmp_path) -> None:
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "dies.yaml").write_text("_target_: tests.helpers.faulty.OneRankDies\nlr: 0.1\n")
    words = ["--config-dir", str(folder.parent), "task=digits", "optimizer=dies", *DDP]
    ended = optbench(*words, "budget.steps=20")
    assert ended.code == 1
    (record,) = tracking.read(uri, "scratch")
    assert record.result.status == "failed"
    assert "rank 1 ended" in record.result.reason or "onnection" in record.result.reason


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trainer.devices=2"], "trainer.devices=2: one trial trains on one device"),
        (["trainer.devices=0", "trainer.strategy=ddp"], "trainer.devices=0"),
        (["trainer.devices=two", "trainer.strategy=ddp"], "trainer.devices=two"),
        (["trainer.strategy=dpp"], "trainer.strategy: 'dpp' is unknown; did you mean"),
        ([*DDP, "batch_size=33"], "batch_size: 33 cannot be divided among trainer.devices=2"),
        ([*DDP, "optimizer=lbfgs"], "optimizer=lbfgs: needs closure"),
        (["-m", *DDP, "hydra/launcher=joblib", "seed=0,1"], "use hydra/launcher=basic"),
    ],
)
def test_what_cannot_be_divided_is_refused(words, told, optbench) -> None:
    ended = optbench(*words, "task=digits")
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_model_that_normalises_over_its_batch_is_refused() -> None:
    refuse_batch_statistics(torch.nn.Linear(2, 2), trial_spec())
    with pytest.raises(RefusedInput, match="normalises over its batch"):
        refuse_batch_statistics(torch.nn.Sequential(torch.nn.BatchNorm1d(2)), trial_spec())
