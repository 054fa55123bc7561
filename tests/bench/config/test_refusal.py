"""Mistakes on the command line and in files: refused with a message that names the remedy."""

import time

import pytest

from bench import tracking

MISTAKES = {
    "a task": (["task=digts"], "task=digts", "did you mean 'digits'"),
    "a group": (["optimzer=adam"], "optimzer", "did you mean 'optimizer'"),
    "a key": (["bugdet.steps=3"], "bugdet.steps", "did you mean 'budget'"),
    "a nested key": (["budget.stps=3"], "budget.stps", "did you mean 'steps'"),
    "a hyperparameter": (["optimizer.lrr=1"], "optimizer.lrr", "did you mean 'lr'"),
    "a hyperparameter's type": (["optimizer.lr=abc"], "optimizer.lr=abc", "not a number"),
    "a switch": (["optimizer.amsgrad=3"], "optimizer.amsgrad=3", "true or false"),
    "a list": (["optimizer.betas=0.9"], "optimizer.betas=0.9", "not a list"),
    "no seed": (["seed=x"], "seed", "Integer"),
    "a negative seed": (["seed=-1"], "seed: -1", "outside 0"),
    "a negative budget": (["budget.steps=-5"], "budget.steps: -5", "positive"),
    "no epochs": (["budget.epochs=0"], "budget.epochs: 0", "positive"),
    "evaluation": (["budget.eval_every=0"], "budget.eval_every: 0", "positive"),
    "a batch too large": (["batch_size=5000"], "batch_size: 5000", "exceeds"),
    "a misfit": (["model=gru"], "model=gru", "inputs: images"),
    "a folder": (["task=mnist", "data_dir=/nowhere"], "/nowhere", "download=true"),
    "two devices": (["trainer.devices=2"], "trainer.devices=2", "hydra/launcher=joblib"),
    "no threads": (["trainer.threads=0"], "trainer.threads: 0", "positive"),
    "an unquoted pattern": (["-m", "optimizer=glob([a-m]*)"], "glob([a-m]*", "quote the pattern"),
    "a list without -m": (["task=digits,langid"], "task=digits,langid", "Ambiguous"),
    "a range to search": (["-m", "optimizer.lr=interval(0,1)"], "interval(0,1)", "choice"),
    "one of a sweep": (["-m", "batch_size=32,0"], "batch_size: 0", "positive"),
    "two studies": (["-m", "study=a,b"], "study=a,b", "one study"),
    "a value torch refuses": (["optimizer=sgd", "optimizer.lr=-1"], "optimizer/sgd.yaml", "-1"),
    "one such in a sweep": (
        ["-m", "optimizer=sgd", "optimizer.lr=0.1,-1"],
        "optimizer/sgd.yaml",
        "Invalid learning rate",
    ),
    "an accelerator": (["trainer.accelerator=gpus"], "accelerator=gpus", "auto"),
    "a precision": (["trainer.precision=33"], "precision=33", "32-true"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_refused_with_its_remedy(what, optbench, uri):
    words, named, remedy = MISTAKES[what]
    began = time.perf_counter()
    ended = optbench(*words)
    assert ended.code == 2
    assert named in ended.err
    assert remedy in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.startswith("refused: ")
    assert len(ended.err.strip().splitlines()) == 1
    assert time.perf_counter() - began < 30  # no retries, no downloads
    assert [name for name in tracking.list_studies(uri) if tracking.read(uri, name)] == []


@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_no_store_of_that_kind(sweep, optbench):
    ended = optbench(*sweep, "tracking.uri=outputs/mlruns", store=None)
    assert ended.code == 2
    assert "tracking.uri=outputs/mlruns" in ended.err
    assert "sqlite:///" in ended.err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("bugdet: {steps: 3}", "bugdet: no such key; did you mean 'budget'"),
        ("budget: {stesp: 3}", "stesp: no such key; did you mean 'steps'"),
        ("optimizer: {lrr: 0.1}", "lrr=0.1: conf/optimizer/adam.yaml has no such key"),
        ("task: {metrics: accuracy}", "metrics: no such key; did you mean 'metric'"),
        ("batch_size: [", "mine.yaml"),
    ],
)
def test_a_misspelt_key_in_an_experiment(text, named, my_conf, optbench):
    (my_conf / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{text}\n")
    ended = optbench("--config-dir", str(my_conf), "experiment=mine")
    assert ended.code == 2
    assert named in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("block", "named", "remedy"),
    [
        ("{search_space: {beta1: {log: [0.1, 1]}}}", "beta1", "lr"),
        ("{param_groups: no_decay}", "no_decay", "no_decay_1d"),
        ("{need: [closure]}", "bench.need", "needs"),
        ("{needs: [clojure]}", "clojure", "closure"),
    ],
)
def test_a_wrong_bench_block(block, named, remedy, my_conf, optbench):
    text = f"_target_: torch.optim.SGD\nlr: 0.1\nbench: {block}\n"
    (my_conf / "optimizer" / "mine.yaml").write_text(text)
    ended = optbench("--config-dir", str(my_conf), "optimizer=mine")
    assert ended.code == 2
    assert "optimizer/mine.yaml" in ended.err
    assert named in ended.err
    assert remedy in ended.err


@pytest.mark.parametrize(
    ("target", "cause"), [("nowhere.Adam", "nowhere"), ("torch.optim.Adm", "Adm")]
)
def test_an_optimizer_that_is_not_there(target, cause, my_conf, optbench):
    (my_conf / "optimizer" / "mine.yaml").write_text(f"_target_: {target}\nlr: 0.1\n")
    ended = optbench("--config-dir", str(my_conf), "optimizer=mine")
    assert ended.code == 2
    assert "optimizer/mine.yaml" in ended.err
    assert cause in ended.err


def test_hydra_full_error_shows_everything(optbench, monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="digts"):
        optbench("task=digts")
