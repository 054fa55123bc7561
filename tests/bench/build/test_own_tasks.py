"""A user's task by its own class and YAML: trained, stacked, recorded, reported."""

import json

import pandas as pd
import pytest
import torch
from sklearn.metrics import jaccard_score

from bench import tracking
from bench.trial import evaluation
from bench.trial.evaluation import evaluate
from tests.helpers import own_tasks

TASK = """
# @package _global_
defaults: [{{override /model: {model}}}]
batch_size: 32
budget: {{steps: 60, eval_every: 20}}
task:
  _target_: tests.helpers.own_tasks.{kind}
  data: {{_target_: tests.helpers.own_tasks.{data}}}
  inputs: {inputs}
  metric: {metric}
  direction: {direction}
  target: {target}
"""
OWN = {
    "plane": ("Regression", "points", "mae", "minimize", 1.0, "Linear"),
    "grids": ("Cells", "grids", "miou", "maximize", 0.6, "PerCell"),
}
FAST = ["optimizer=adam,sgd", "optimizer.lr=0.03", "seed=0,1"]


@pytest.fixture
def conf(tmp_path):
    folder = tmp_path / "my_conf"
    for group in ("task", "model"):
        (folder / group).mkdir(parents=True)
    for data, (kind, inputs, metric, direction, target, model) in OWN.items():
        (folder / "model" / f"{model.lower()}.yaml").write_text(
            f"_target_: tests.helpers.own_tasks.{model}\ninputs: {inputs}\n"
        )
        (folder / "task" / f"{data}.yaml").write_text(
            TASK.format(
                model=model.lower(),
                kind=kind,
                data=data,
                inputs=inputs,
                metric=metric,
                direction=direction,
                target=target,
            )
        )
    return str(folder)


@pytest.mark.parametrize("task", OWN)
@pytest.mark.parametrize("launcher", ["basic", "stacked"])
def test_it_trains_stacks_and_reports(task, launcher, optbench, uri, conf, tmp_path):
    words = ["--config-dir", conf, "-m", f"task={task}", *FAST, f"hydra/launcher={launcher}"]
    size = ["stack.size=4"] if launcher == "stacked" else []
    ended = optbench(*words, *size, "study=own")
    assert ended.code == 0, ended.err
    metric = OWN[task][2]
    records = tracking.read(uri, "own")
    assert len(records) == 4
    for record in records:
        assert [point.step for point in record.result.curve] == [20, 40, 60]
        last = {**record.result.curve[-1].values, **record.result.final}
        assert {f"val/{metric}", f"test/{metric}", "train/loss", "lr"} <= set(last)
        assert "val/loss" not in last
        assert record.result.summary.get("stack_size") == (4.0 if launcher == "stacked" else None)
    report = tmp_path / "outputs" / "own" / "report"
    trials = pd.read_csv(report / "trials.csv")
    assert trials[f"test/{metric}"].notna().all()
    assert f"test/{metric}" in (report / "index.html").read_text()


def test_a_stacks_record_is_that_of_trials_alone(optbench, uri, conf):
    for launcher in ("basic", "stacked"):
        words = ["--config-dir", conf, "-m", "task=grids", *FAST, "report=false"]
        optbench(*words, f"hydra/launcher={launcher}", "stack.size=4", f"study={launcher}")

    def curves(study):
        return {
            json.dumps([r.config["optimizer"]["name"], r.config["seed"]]): [
                {k: v for k, v in p.values.items() if k != "train_time_s"} for p in r.result.curve
            ]
            for r in tracking.read(uri, study)
        }

    together, alone = curves("stacked"), curves("basic")
    assert together.keys() == alone.keys()
    for name, points in alone.items():
        for ours, theirs in zip(together[name], points, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-5)


def test_miou_over_uneven_batches_is_that_of_scikit_learn(monkeypatch):
    data = own_tasks.grids(data_dir="", download=False)
    task = own_tasks.Cells(data)
    monkeypatch.setattr(
        evaluation, "choose_batch_size", lambda *_: 16
    )  # 50 examples: the last batch has 2
    torch.manual_seed(0)
    model = own_tasks.PerCell(**task.model_arguments())
    found = evaluate(task, model, "test", torch.device("cpu"))
    inputs, targets = task.tensors("test", torch.device("cpu"))
    guess = model(inputs).argmax(1)
    expected = jaccard_score(targets.flatten(), guess.flatten(), average="macro")
    assert found["test/miou"] == pytest.approx(expected, rel=1e-12)


def test_a_metric_that_is_not_measured_is_refused(optbench, conf):
    ended = optbench("--config-dir", conf, "-m", "task=plane", "task.metric=rmse")
    assert ended.code == 2
    assert "'rmse' is not measured" in ended.err
    assert "mae" in ended.err
