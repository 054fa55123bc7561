"""Hashes of trials as stores hold them: one that changes runs every user's record again."""

import dataclasses

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from bench.config import schema
from bench.spec import OptimizerSpec, TaskSpec, TrialSpec
from bench.spec.trial import IF_CHANGED
from bench.sweeps import plugins
from bench.sweeps.compose import Composer
from tests.helpers.specs import trial_spec

GOLDEN = {
    "task=digits optimizer=adam seed=0 budget.steps=40": "5d9a5bb02df4af96",
    "task=digits optimizer=adam seed=1 budget.steps=40": "0930ed40fe01d13e",
    "task=digits optimizer=adam optimizer.lr=1e-2 optimizer.betas=[0.8,0.99] "
    "budget.steps=40": "7517cdf162b21967",
    "task=digits optimizer=adam schedule=cosine schedule.warmup=0.1 "
    "budget.steps=40": "bde6258f8f86295e",
    "task=digits optimizer=lion budget.steps=40": "871405d5221777e7",
    "task=digits optimizer=muon budget.steps=40": "fe6678c1f62a691e",
    "task=digits optimizer=sam budget.steps=40": "a9b0213516bfc894",
    "task=digits optimizer=lbfgs budget.steps=40": "8cab2d1017c32470",
    "task=digits optimizer=lookahead budget.steps=40": "dc490f3f3097bf97",
    "task=digits optimizer=schedulefree_adamw budget.steps=40": "f660340b1de5f67d",
    "task=digits model=cnn optimizer=sgd budget.epochs=1 batch_size=64 stop_at_target=true "
    "trainer.precision=bf16-mixed": "52cfa807fc29374d",
    "task=digits optimizer=pytorch_optimizer optimizer.name=adanorm "
    "budget.steps=10": "3cde8b0f47a1cdf7",
    "task=langid optimizer=adam budget.steps=20 budget.eval_every=5": "bae555529c50d080",
}
"""From the store in ``tests/bench/fixtures``."""


@pytest.fixture(scope="module")
def composer():
    GlobalHydra.instance().clear()
    schema.register()
    plugins.register()
    hydra = Hydra.create_main_hydra2("optbench", create_config_search_path("pkg://conf"))
    master = hydra.compose_config("config", [], run_mode=RunMode.MULTIRUN)
    yield Composer(hydra.config_loader, master)
    GlobalHydra.instance().clear()


@pytest.mark.parametrize(("words", "digits"), GOLDEN.items())
def test_hashes_are_those_of_old_stores(composer, words, digits):
    assert composer.spec(words.split()).config_hash == digits


def test_what_changes_no_image_and_no_label_changes_no_hash(composer):
    words, digits = next(iter(GOLDEN.items()))
    off = "task.augment={crop:0,flip:false,cutout:0,rand_augment:0,magnitude:9,mixup:0}"
    assert composer.spec([*words.split(), off, "task.label_smoothing=0"]).config_hash == digits
    on = ("task.augment.rand_augment=2", "task.augment.mixup=0.2", "task.label_smoothing=0.1")
    assert len({composer.spec([*words.split(), one]).config_hash for one in on} | {digits}) == 4


@dataclasses.dataclass(frozen=True)
class LaterOptimizer(OptimizerSpec):
    foreach: bool = dataclasses.field(default=False, metadata=IF_CHANGED)
    ranges: tuple[str, ...] = dataclasses.field(default_factory=tuple, metadata=IF_CHANGED)


@dataclasses.dataclass(frozen=True)
class LaterTask(TaskSpec):
    mixup: float = dataclasses.field(default=0.0, metadata=IF_CHANGED)


@dataclasses.dataclass(frozen=True)
class LaterTrial(TrialSpec):
    distill: str = dataclasses.field(default="", metadata=IF_CHANGED)


def later(spec):
    """The same trial in the words of a later version."""

    def fields(one):
        return {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}

    optimizer, task = LaterOptimizer(**fields(spec.optimizer)), LaterTask(**fields(spec.task))
    return LaterTrial(**(fields(spec) | {"optimizer": optimizer, "task": task}))


def test_a_new_field_at_its_default_changes_no_hash():
    spec = trial_spec(point={"lr": 0.01})
    assert later(spec).config_hash == spec.config_hash


def test_a_new_field_that_is_set_does():
    new = later(trial_spec(point={"lr": 0.01}))
    others = [
        dataclasses.replace(new, distill="adam"),
        dataclasses.replace(new, task=dataclasses.replace(new.task, mixup=0.2)),
        dataclasses.replace(new, optimizer=dataclasses.replace(new.optimizer, foreach=True)),
        dataclasses.replace(new, optimizer=dataclasses.replace(new.optimizer, ranges=("a",))),
    ]
    assert len({spec.config_hash for spec in [new, *others]}) == 5
