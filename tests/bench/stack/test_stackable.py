"""What can be stacked is found by trying."""

import dataclasses

import pytest

from bench.spec import OptimizerSpec
from bench.stack.stackable import explain_unstackable
from tests.helpers.specs import trial_spec
from tests.helpers.stack_cases import case


@pytest.mark.parametrize(
    "model",
    ["mlp", "cnn", "normalised", "resnet18", "dropout", "tied", "bag", "transformer", "gru"],
)
def test_models_that_can(model):
    assert explain_unstackable(case(model)) == ""


def test_a_layer_that_vmap_refuses_is_named_with_its_words():
    assert "lstm does not run under vmap (Batching rule not implemented" in explain_unstackable(
        case("lstm")
    )


def test_a_model_that_would_silently_be_another_is_found():
    reason = "hidden_state computes another evaluation under vmap"
    assert explain_unstackable(case("hidden_state")) == reason


def test_an_optimizer_that_calls_the_model_itself_cannot():
    optimizer = OptimizerSpec("lbfgs", "torch.optim.LBFGS", {"lr": 0.1}, needs=("closure",))
    assert explain_unstackable(case(optimizer=optimizer)) == "lbfgs needs closure"


def test_other_precision_cannot():
    spec = dataclasses.replace(case(), precision="bf16-mixed")
    assert "bf16-mixed" in explain_unstackable(spec)


def test_an_optimizer_of_few_digits_runs_alone():
    spec = trial_spec()
    assert explain_unstackable(spec) == ""
    few = dataclasses.replace(spec, optimizer=dataclasses.replace(spec.optimizer, stacks=False))
    assert explain_unstackable(few) == "adam computes in few digits (stacks: false)"
    assert few.config_hash == spec.config_hash
