"""Composing what trials share once gives what Hydra gives for each."""

import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from bench.config import schema
from bench.config.refusal import explain
from bench.config.trial import build_trial_spec
from bench.sweeps import plugins
from bench.sweeps.compose import Composer


@pytest.fixture
def hydra_and_master():
    GlobalHydra.instance().clear()
    schema.register()
    plugins.register()
    hydra = Hydra.create_main_hydra2("optbench", create_config_search_path("pkg://conf"))
    yield hydra.config_loader, hydra.compose_config("config", [], run_mode=RunMode.MULTIRUN)
    GlobalHydra.instance().clear()


def by_hydra(loader, master, overrides):
    cfg = loader.load_sweep_config(master, overrides)
    return build_trial_spec(cfg, cfg.hydra.runtime.choices)


def test_specs_are_those_of_hydra(hydra_and_master):
    loader, master = hydra_and_master
    composer = Composer(loader, master)
    jobs = [
        ["optimizer=adam", "optimizer.lr=0.01", "seed=3"],
        ["optimizer=adam", "optimizer.lr=0.1", "seed=4", "optimizer.betas=[0.8,0.9]"],
        ["seed=1", "task=langid", "model=transformer", "model.dim=16", "budget.epochs=2"],
        ["optimizer=sgd", "optimizer.momentum=0.5", "schedule=cosine", "schedule.warmup=0.1"],
        ["optimizer=adam", "optimizer.lr=0.01", "seed=4"],
        ["optimizer=adam", "study=a${seed}", "seed=7"],
        ["optimizer=adam", "study=a${seed}", "seed=8"],
    ]
    for job in [*jobs, *jobs[:2]]:  # what is shared has not been written to
        expected = by_hydra(loader, master, job)
        assert composer.spec(job) == expected
        assert composer.spec(job).config_hash == expected.config_hash


@pytest.mark.parametrize(
    "wrong",
    ["optimizer.lrr=1", "sed=3", "seed=x", "budget.stps=3", "task=digts", "optimizer.lr=abc"],
)
def test_mistakes_are_answered_in_the_same_words(hydra_and_master, wrong):
    loader, master = hydra_and_master
    said = []
    for make in (Composer(loader, master).spec, lambda job: by_hydra(loader, master, job)):
        with pytest.raises(Exception) as error:
            make(["seed=1", wrong])
        said.append(explain(error.value))
    assert said[0] == said[1]
    assert wrong.partition("=")[0] in said[0]
