"""``hydra/sweeper=ablate``: the optimizer as it is, and each switch alone flipped."""

from collections import Counter

import pytest

from bench import tracking
from bench.spec import RefusedInput
from bench.stack import probe as stack_probe
from bench.sweeps.sweepers.ablate import make_variants, parse_switches
from tests.helpers.specs import trial_spec

POINT = {"lr": 0.01, "betas": [0.9, 0.99], "amsgrad": False, "weight_decay": 0.1}


def test_each_switch_is_flipped_alone():
    base = trial_spec(point=POINT)
    asked = ["amsgrad", "weight_decay", "betas.0=0.5", {"lr": 0.1}]
    flipped = parse_switches(base, asked)
    assert flipped == {"amsgrad": True, "weight_decay": 0.0, "betas.0": 0.5, "lr": 0.1}
    variants = make_variants(base, flipped)
    assert [one.optimizer.name for one in variants] == [
        "adam",
        "adam amsgrad=True",
        "adam weight_decay=0.0",
        "adam betas.0=0.5",
        "adam lr=0.1",
    ]
    assert variants[0].optimizer.arguments == POINT
    assert variants[3].optimizer.arguments == {**POINT, "betas": [0.5, 0.99]}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("amsgrid", "did you mean 'amsgrad'"),
        ("weight_decay=0.1", "is 0.1 already"),
    ],
)
def test_what_cannot_be_flipped_is_refused(word, said):
    with pytest.raises(RefusedInput, match=said):
        parse_switches(trial_spec(point=POINT), [word])


def test_it_runs_on_paired_seeds_and_nothing_is_tuned(optbench, uri, monkeypatch):
    monkeypatch.setattr(stack_probe, "probe", lambda specs: stack_probe.Gain(4, 5.0, 1))
    words = ["-m", "hydra/sweeper=ablate", "task=digits", "budget.steps=20", "study=parts"]
    ended = optbench(*words, "reporting.seeds=3", "ablate=[bias_correction,amsgrad]")
    assert ended.code == 0, ended.err
    found = Counter(r.config["optimizer"]["name"] for r in tracking.read(uri, "parts"))
    assert found == {"adam": 3, "adam bias_correction=False": 3, "adam amsgrad=True": 3}
    assert {str(r.phase) for r in tracking.read(uri, "parts")} == {"report"}
    assert {r.reference for r in tracking.read(uri, "parts")} == {"adam"}
    none = optbench(*words)
    assert none.code == 2
    assert "ablate: no switch" in none.err
