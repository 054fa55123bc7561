"""A value that refers to another (``${budget.steps}``) has the value that holds in the trial."""

from __future__ import annotations

import itertools

import pytest

from bench import tracking
from bench.check import choose
from bench.sweeps.compose import SEED_REFERENCE

SMALL = ["task=digits", "model=mlp", "batch_size=100"]
DIGITS = 1079
"""Examples of the training split."""
BUDGETS = {
    "steps": (["budget.steps=7"], 7),
    "epochs": (["budget.epochs=0.5"], 5),
    "both": (["budget.steps=1000", "budget.epochs=0.5"], 5),
    "part of a step": (["budget.epochs=0.001"], 1),
    "as the task has it": ([], None),
}
PLACES = {
    "a schedule": ("schedule", "_target_: bench.schedules.cosine\nwarmup: 0.0\n", "total: {}\n"),
    "an optimizer": ("optimizer", "_target_: tests.helpers.keywords.Sgd\nlr: 0.1\n", "total: {}\n"),
    "a nested value": (
        "optimizer",
        "_target_: tests.helpers.keywords.Sgd\nlr: 0.1\n",
        "total: {{a: [{}]}}\n",
    ),
}


@pytest.fixture
def configs(optbench, uri, my_conf):
    """Runs the command; returns the recorded configs."""

    def run(*words):
        ended = optbench("--config-dir", "my_conf", *words, "report=false")
        assert ended.code == 0, ended
        return [record.config for record in tracking.read(uri, "scratch")]

    return run


def write(my_conf, total, name="mine"):
    text = f"_target_: tests.helpers.keywords.Sgd\nlr: 0.1\ntotal: {total}\n"
    (my_conf / "optimizer" / f"{name}.yaml").write_text(text)


def total(config):
    return config["optimizer"]["arguments"]["total"]


@pytest.mark.parametrize("mode", ["", "-m"])
@pytest.mark.parametrize("what", BUDGETS)
def test_steps_are_those_of_the_trial(what, mode, my_conf, configs):
    words, steps = BUDGETS[what]
    write(my_conf, "${budget.steps}")
    (config,) = configs(
        *filter(None, [mode]), "optimizer=mine", *SMALL, *words, "stop_at_target=true"
    )
    assert total(config) == config["budget"]["steps"]
    assert steps in (None, config["budget"]["steps"])


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("${budget.eval_every}", 3),
        ("${budget.epochs}", 6.0),
        ("${.steps_of_mine}", None),
        ("${oc.select:budget.steps,3}", 60),
        ("${${which}.steps}", None),
        ("a${budget.steps}b", "a60b"),
        ("[{a: '${budget.steps}'}]", [{"a": 60}]),
        ("${batch_size}", 100),
        ("${task.metric}", "accuracy"),
        ("${seed}", 5),
    ],
)
def test_whatever_it_refers_to(reference, expected, my_conf, configs):
    if expected is None:
        reference = "${budget.steps}"
        expected = 60
    text = reference if reference.startswith("[") else f"'{reference}'"
    write(my_conf, text)
    (config,) = configs("optimizer=mine", *SMALL, "budget.epochs=6", "seed=5")
    assert total(config) == expected


def test_evaluations_may_follow_the_steps(my_conf, configs):
    write(my_conf, "${budget.eval_every}")
    words = ["budget.epochs=1", "budget.eval_every=${budget.steps}"]
    (config,) = configs("optimizer=mine", *SMALL, *words)
    assert config["budget"] == {"steps": 10, "eval_every": 10}
    assert total(config) == 10


def test_in_an_experiment_and_through_another_key(my_conf, configs):
    write(my_conf, "0")
    (my_conf / "experiment" / "half.yaml").write_text(
        "# @package _global_\nbudget: {epochs: 0.5}\nstudy: scratch\n"
        "optimizer: {total: '${data.steps}'}\ndata: {steps: '${budget.steps}'}\n"
    )
    (config,) = configs("experiment=half", "optimizer=mine", *SMALL)
    assert (total(config), config["budget"]["steps"]) == (5, 5)


def test_every_trial_of_a_sweep_has_its_own(my_conf, configs):
    write(my_conf, "${budget.steps}")
    write(my_conf, "${ seed }", "seeded")
    words = ["-m", "optimizer=mine,seeded", "budget.epochs=0.2,0.5", "seed=1,2", *SMALL]
    found = configs(*words)
    assert len(found) == 8
    for config in found:
        wanted = (
            config["budget"]["steps"] if config["optimizer"]["name"] == "mine" else config["seed"]
        )
        assert total(config) == wanted
    assert {config["budget"]["steps"] for config in found} == {2, 5}


def test_a_word_of_a_sweep_follows_the_seed(my_conf, configs):
    write(my_conf, "0")
    words = ["optimizer=mine", "optimizer.total=${seed}", "seed=1,2", "budget.steps=2"]
    found = configs("-m", *words, *SMALL)
    assert [total(config) - config["seed"] for config in found] == [0, 0]


def test_data_that_refers_to_what_its_size_decides_is_refused(optbench):
    ended = optbench("task=quadratic", "budget.epochs=2", "task.data.dim=${budget.steps}")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("yaml", "words", "key"),
    [
        ("total: ${seed}", [], "seed"),
        ("total: ${optimizer.lr}", [], "optimizer.lr"),
        ("total: ${.lr}", [], "optimizer.lr"),
        ("total: {a: ['${..lr}']}", None, "optimizer.lr"),
        ("total: ${optimizer.betas.0}\nbetas: [0.9, 0.99]", [], "optimizer.betas.0"),
        ("total: 1", ["batch_size=${seed}0"], None),
        ("total: 1", ["schedule.warmup=${optimizer.lr}", "schedule=cosine"], "optimizer.lr"),
    ],
)
def test_a_study_refuses_values_that_follow_what_it_changes(yaml, words, key, my_conf, optbench):
    if words is None:
        yaml, words = "total: {a: ['${optimizer.lr}']}", []
    space = "{lr: {log: [0.01, 1]}" + (", betas.0: {linear: [0, 1]}}" if "betas" in yaml else "}")
    (my_conf / "optimizer" / "mine.yaml").write_text(
        f"_target_: tests.helpers.keywords.Sgd\nlr: 0.1\n{yaml}\nbench: {{search_space: {space}}}\n"
    )
    study = ["-m", "hydra/sweeper=study", "study=fair", "plan=true"]
    ended = optbench("--config-dir", "my_conf", *study, "optimizer=mine", *SMALL, *words)
    assert ended.code == 2, ended
    assert len(ended.err.splitlines()) == 1
    assert key is None or f"${{{key}}}: a study changes {key}" in ended.err


def test_a_study_takes_values_that_follow_something_else(my_conf, optbench):
    (my_conf / "optimizer" / "mine.yaml").write_text(
        "_target_: tests.helpers.keywords.Sgd\nlr: 0.1\ntotal: ${budget.steps}\n"
        "bench: {search_space: {lr: {log: [0.01, 1]}}}\n"
    )
    study = ["-m", "hydra/sweeper=study", "study=fair", "plan=true", "budget.epochs=0.5"]
    assert optbench("--config-dir", "my_conf", *study, "optimizer=mine", *SMALL).code == 0


def test_an_ablation_refuses_values_that_follow_its_switches(my_conf, optbench):
    (my_conf / "optimizer" / "mine.yaml").write_text(
        "_target_: tests.helpers.keywords.Sgd\nlr: 0.1\nmomentum: 0.9\ntotal: ${.momentum}\n"
    )
    words = ["-m", "hydra/sweeper=ablate", "ablate=[momentum]", "study=parts", "plan=true"]
    ended = optbench("--config-dir", "my_conf", *words, "optimizer=mine", *SMALL)
    assert ended.code == 2
    assert "${optimizer.momentum}: a study changes optimizer.momentum" in ended.err


def test_optbench_check_of_all_reads_them_too(my_conf, monkeypatch):
    write(my_conf, "${budget.steps}")
    monkeypatch.chdir(my_conf.parent)
    chosen = choose.choose_subjects(["optimizer=mine"], "my_conf")
    assert isinstance(chosen[0].spec.arguments["total"], int)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *itertools.product(["${seed}", "${ seed }", "${oc.select:seed}", "a${..seed}b"], [True]),
        *itertools.product(["${${a}}", "${a.${b}}", "${oc.select:'seed', 1}"], [True]),
        *itertools.product(["seed: 3", "${budget.steps} seed", "$seed"], [False]),
    ],
)
def test_which_text_refers_to_the_seed(text, found):
    assert bool(SEED_REFERENCE.search(text)) is found
