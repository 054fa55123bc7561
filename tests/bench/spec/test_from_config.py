"""A spec from its recorded config: every kind of trial that an old store holds, and refusals."""

import json

import pytest

from bench import tracking
from bench.spec import Component, OptimizerSpec, Phase, RefusedInput, RunContext, TrialSpec, digest
from tests.helpers import specs

WHERE = RunContext("again")


def test_every_recorded_config_of_an_old_store_gives_its_own_hash(old):
    (study,) = tracking.list_studies(old)
    records = tracking.read(old, study)
    optimizers = {record.config["optimizer"]["name"] for record in records}
    assert {"muon", "lookahead", "clipped"} <= optimizers  # a rest, something nested, a clip
    for record in records:
        assert TrialSpec.from_config(record.config, WHERE).config_hash == record.config_hash


@pytest.mark.parametrize("phase", list(Phase))
def test_there_and_back_is_the_same_spec(phase):
    from dataclasses import replace

    optimizer = OptimizerSpec(
        "muon",
        "torch.optim.Muon",
        {"lr": 0.1, "betas": [0.9, 0.99], "base": {"_target_": "torch.optim.SGD", "lr": 1}},
        param_groups="matrices",
        rest=Component("", "torch.optim.AdamW", {"lr": 1e-3}),
        needs=("closure",),
        clip_norm=1.0,
        version="x 1",
        file="mine",
    )
    spec = replace(specs.trial_spec(study="again"), optimizer=optimizer, phase=phase)
    assert TrialSpec.from_config(spec.config(), WHERE) == spec
    stored = json.loads(json.dumps(spec.config()))
    assert TrialSpec.from_config(stored, WHERE).config_hash == spec.config_hash == digest(stored)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol_version": 0}, r"protocol 0\) means another trial in this version"),
        ({"distill": "adam"}, "cannot be read by this version: .*distill"),
        ({"optimizer": {}}, "cannot be read by this version"),
    ],
)
def test_a_config_of_another_version_is_refused(changes, said):
    with pytest.raises(RefusedInput, match=said):
        TrialSpec.from_config({**specs.trial_spec().config(), **changes}, WHERE)
