"""A store that an earlier version wrote answers the same commands today."""

import pytest

from bench import tracking

CLIPPED = """\
_target_: torch.optim.SGD
lr: 0.1
momentum: 0.5
bench: {clip_norm: 1.0, param_groups: no_decay_1d}
"""
RAISES = "_target_: tests.helpers.faulty.Raises\nlr: 0.1\nat: 20\n"

SWEEPS = [  # the commands that made it, and how many trials each has
    (
        "task=digits optimizer=adam,muon,lookahead,sam,schedulefree_adamw,lion,clipped,lbfgs "
        "seed=0,1 budget.steps=40",
        16,
    ),
    (
        "task=digits optimizer=adam optimizer.lr=1e-2,1e30 optimizer.betas=[0.8,0.99] "
        "budget.steps=40",
        2,
    ),
    (
        "task=digits optimizer=schedulefree_adamw,adam schedule=cosine schedule.warmup=0.1 "
        "budget.steps=40",
        2,
    ),
    ("task=langid optimizer=adam,muon budget.steps=20 budget.eval_every=5", 2),
    (
        "task=digits model=cnn optimizer=sgd budget.epochs=1 batch_size=64 stop_at_target=true "
        "trainer.precision=bf16-mixed",
        1,
    ),
    ("task=digits optimizer=pytorch_optimizer optimizer.name=adanorm budget.steps=10", 1),
    ("task=digits hydra/launcher=stacked seed=10,11 budget.steps=40", 2),
    (
        "task=digits hydra/launcher=stacked seed=20,21,22 optimizer=adam,lion stack.size=6 "
        "budget.steps=40",
        6,
    ),
]


@pytest.fixture
def my_conf(tmp_path):
    """The folder of YAMLs that its trials were made with."""
    folder = tmp_path / "my_conf" / "optimizer"
    folder.mkdir(parents=True)
    (folder / "clipped.yaml").write_text(CLIPPED)
    (folder / "raises.yaml").write_text(RAISES)
    return folder.parent


@pytest.fixture(autouse=True)
def nothing_trains(monkeypatch):
    def trains(*arguments, **keywords):
        raise AssertionError("a recorded trial trains again")

    monkeypatch.setattr("bench.trial.run.run_trial", trains)
    monkeypatch.setattr("bench.stack.run.run_stack", trains)


@pytest.mark.parametrize(("words", "count"), SWEEPS)
def test_every_trial_is_answered_from_the_record(optbench, old, my_conf, words, count):
    before = sorted(one.run_id for one in tracking.read(old, "old"))
    line = ["-m", "--config-dir", str(my_conf), "report=false", "study=old", *words.split()]
    ended = optbench(*line, store=old)
    assert ended.code == 0, ended.err
    assert f"study old: {count} trials, {count} recorded, 0 to run" in ended.out
    assert sorted(one.run_id for one in tracking.read(old, "old")) == before


def test_the_sweeps_are_all_that_it_holds_but_the_failed_trial(old):
    assert sum(count for _, count in SWEEPS) == len(tracking.read_results(old, "old"))


def test_the_failed_trial_runs_again(optbench, old, my_conf):
    words = [
        "-m",
        "report=false",
        "study=old",
        "task=digits",
        "optimizer=raises",
        "budget.steps=40",
    ]
    with pytest.raises(AssertionError, match="a recorded trial trains again"):
        optbench("--config-dir", str(my_conf), *words, store=old)
