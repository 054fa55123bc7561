"""From a composed optimizer to its spec."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from bench.config import schema
from bench.config.optimizer import build_optimizer_spec
from bench.spec import RefusedInput, TrialSpec
from tests.helpers.specs import trial_spec

NESTED = """
_target_: pytorch_optimizer.SAM
base_optimizer: {_target_: torch.optim.SGD, _partial_: true, momentum: 0.9}
lr: 0.1
rho: 0.05
bench:
  search_space: {base_optimizer.momentum: {linear: [0.0, 0.9]}, clip_norm: {log: [0.1, 10.0]}}
  needs: [two_gradients]
  clip_norm: 1.0
"""
MATRICES = """
_target_: torch.optim.Muon
lr: 0.02
bench:
  param_groups: matrices
  rest: {_target_: torch.optim.AdamW, lr: 3.0e-4}
  limit: {when: {lr: 0.0}, equals: {_target_: torch.optim.SGD, lr: 0.0}}
"""


@pytest.fixture
def spec_of(tmp_path):
    """The spec of an optimizer's YAML, given as text, under overrides."""
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "config.yaml").write_text("defaults: [schema, {optimizer: mine}]\n")
    schema.register()

    def make(text, *overrides):
        (tmp_path / "optimizer" / "mine.yaml").write_text(text)
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            values = OmegaConf.to_container(
                compose("config", list(overrides)).optimizer, resolve=True
            )
            return build_optimizer_spec("mine", values)

    return make


def test_a_point_names_nested_values_with_dots(spec_of):
    assert spec_of(NESTED).point == {}
    spec = spec_of(NESTED, "optimizer.base_optimizer.momentum=0.5", "optimizer.bench.clip_norm=3.0")
    assert spec.point == {"base_optimizer.momentum": 0.5, "clip_norm": 3.0}
    assert spec.clip_norm == 3.0
    assert spec.arguments["base_optimizer"]["momentum"] == 0.5
    assert spec_of(MATRICES, "optimizer.bench.rest.lr=0.1").point == {"rest.lr": 0.1}
    assert spec_of(MATRICES, "optimizer.bench.rest.lr=0.1").rest.arguments == {"lr": 0.1}


def test_a_mistake_in_a_nested_value_is_refused(spec_of):
    with pytest.raises(RefusedInput, match=r"base_optimizer\.momentun.*did you mean 'momentum'"):
        spec_of(NESTED, "+optimizer.base_optimizer.momentun=0.5")
    with pytest.raises(RefusedInput, match=r"momentum=high: not a number"):
        spec_of(NESTED, "optimizer.base_optimizer.momentum=high")
    with pytest.raises(RefusedInput, match=r"base_optimizer=3: not a mapping"):
        spec_of(NESTED, "optimizer.base_optimizer=3")


def test_versions_of_other_packages_are_part_of_the_result(spec_of):
    assert spec_of(NESTED).version == "pytorch_optimizer 4.1.0"
    assert spec_of(MATRICES).version == ""
    named = "_target_: bench.optimizers.wrappers.pytorch_optimizer\nname: lion\nlr: null\n"
    named += 'arguments: {}\nbench: {name: "lib.${optimizer.name}", package: pytorch_optimizer}\n'
    spec = spec_of(named, "optimizer.name=tiger", "+optimizer.arguments.weight_decay=0.5")
    assert (spec.name, spec.file) == ("lib.tiger", "mine")
    assert spec.version == "pytorch_optimizer 4.1.0"
    assert spec.point == {"name": "tiger", "arguments.weight_decay": 0.5}


def test_only_what_affects_the_result_is_hashed(spec_of):
    def hashed(text, *overrides):
        values = dict(vars(trial_spec())) | {"optimizer": spec_of(text, *overrides)}
        return TrialSpec(**values).config_hash

    one = hashed(MATRICES)
    assert hashed(MATRICES.replace("when: {lr: 0.0}", "when: {lr: 0.1}")) == one
    assert hashed(MATRICES.replace("param_groups", "schedules: [constant]\n  param_groups")) == one
    assert hashed(MATRICES, "optimizer.bench.rest.lr=0.1") != one
    assert hashed(MATRICES, "+optimizer.bench.clip_norm=1.0") != one


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("rest: {_target_: torch.optim.SGD}", r"bench\.rest: nothing is left over"),
        ("clip_norm: 0", r"bench\.clip_norm: 0 is not a positive norm"),
        ("needs: [closures]", "did you mean 'closure'"),
        ("param_groups: matrix", "did you mean 'matrices'"),
        ("search_space: {rest.lr: {log: [1, 2]}}", "unknown search-space key 'rest.lr'"),
    ],
)
def test_a_wrong_block_is_refused(block, said, spec_of):
    with pytest.raises(RefusedInput, match=said):
        spec_of(f"_target_: torch.optim.SGD\nlr: 0.1\nbench: {{{block}}}\n")


def test_a_yaml_may_build_on_another(spec_of, tmp_path):
    (tmp_path / "optimizer" / "base.yaml").write_text("_target_: torch.optim.SGD\nlr: 0.1\n")
    spec = spec_of("defaults: [base, _self_]\nmomentum: 0.9\n", "optimizer.lr=0.5")
    assert spec.arguments == {"lr": 0.5, "momentum": 0.9}
    assert spec.point == {"lr": 0.5}


def test_a_yaml_without_a_block_is_known_as_such(spec_of):
    assert spec_of(NESTED).declared
    assert not spec_of("_target_: torch.optim.SGD\nlr: 0.1\n").declared
