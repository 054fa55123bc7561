"""What optbench assumes of Hydra beyond its documented interface, one test each.

After an upgrade of Hydra these fail first, and each names the module that has to follow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import make_dataclass
from pathlib import Path
from types import ModuleType

import hydra
import pytest
from hydra._internal import utils
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException, InstantiationException, MissingConfigException
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from yaml import YAMLError

from bench.config import refusal
from bench.config.schema import register as register_schema
from bench.sweeps import plugins

FILES = {
    "config.yaml": "defaults: [schema, model: small, _self_]\nseed: 0\n",
    "model/small.yaml": "width: 8\n",
    "model/large.yaml": "width: 64\n",
    "model/odd.yaml": "width: 8\ndepth: 2\n",
    "model/broken.yaml": "width: {a: 1\n",
    "task/own.yaml": "defaults: [/model: large, _self_]\n",
}


class Named(Launcher):
    """A launcher that takes its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def setup(self, *, hydra_context, task_function, config) -> None: ...

    def launch(self, job_overrides, initial_job_idx):
        return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "conf"


@pytest.fixture
def loader(folder: Path) -> Iterator[ConfigLoader]:
    GlobalHydra.instance().clear()
    ConfigStore.instance().store(name="schema", node={"model": {"width": 1}, "seed": 0})
    search_path = create_config_search_path(f"file://{folder}")
    yield Hydra.create_main_hydra2("contracts", search_path).config_loader
    GlobalHydra.instance().clear()


def compose_error(loader: ConfigLoader, *overrides: str) -> Exception:
    with pytest.raises((HydraException, OmegaConfBaseException, ValueError)) as raised:
        loader.load_configuration("config", list(overrides), RunMode.RUN)
    return raised.value


def test_a_missing_choice_names_its_file_and_the_options(loader) -> None:
    """``bench.config.refusal``."""
    error = compose_error(loader, "model=smal")
    assert isinstance(error, MissingConfigException)
    assert error.missing_cfg_file == "model/smal"
    assert error.options == ["broken", "large", "odd", "small"]


def test_an_unknown_key_has_its_override_in_the_text_and_its_key_in_the_cause(loader) -> None:
    """``bench.config.refusal``."""
    error = compose_error(loader, "model.with=3")
    assert "override 'model.with=3'" in str(error) or "'model.with'" in str(error)
    assert isinstance(error.__cause__, OmegaConfBaseException)
    assert (error.__cause__.full_key, error.__cause__.key) == ("model.with", "with")
    assert isinstance(error.__cause__.parent_node, DictConfig)


def test_a_choice_of_null_is_called_no_string(loader) -> None:
    """``bench.config.refusal.NO_NAME``."""
    error = compose_error(loader, "model=null")
    assert type(error) is ValueError
    assert refusal.NO_NAME in str(error)


def test_a_character_outside_the_grammar_is_named_so() -> None:
    """``bench.config.refusal.UNREADABLE``."""
    with pytest.raises(HydraException) as raised:
        OverridesParser.create().parse_overrides(["op!=3"])
    assert str(raised.value).startswith(f"{refusal.UNREADABLE}op!=3\n")


def test_a_word_that_cannot_be_parsed_is_quoted_on_the_first_line() -> None:
    """``bench.config.refusal``."""
    with pytest.raises(HydraException) as raised:
        OverridesParser.create().parse_overrides(["seed"])
    assert str(raised.value).startswith("Error parsing override 'seed'\n")


def test_a_pattern_without_quotes_is_quoted_as_input() -> None:
    """``bench.config.refusal``."""
    with pytest.raises(HydraException) as raised:
        OverridesParser.create().parse_overrides(["optimizer=glob([a-m]*)"])
    assert "input 'glob(" in str(raised.value)


def test_a_yaml_that_does_not_fit_the_schema_is_named(loader) -> None:
    """``bench.config.refusal``."""
    model = make_dataclass("Model", [("width", int, 8)])
    node = make_dataclass("Schema", [("model", model)])
    ConfigStore.instance().store(name="schema", node=node)
    text = str(compose_error(loader, "model=odd"))
    assert text.startswith("In 'model/odd': ")
    assert "Key 'depth' not in 'Model'" in text


def test_a_yaml_that_cannot_be_parsed_raises_the_parser_s_error(loader) -> None:
    """``bench.config.refusal``: it names file and line."""
    with pytest.raises(YAMLError) as raised:
        loader.load_configuration("config", ["model=broken"], RunMode.RUN)
    assert "model/broken.yaml" in str(raised.value) and "line 2" in str(raised.value)


def test_a_value_that_is_missing_is_an_error_of_its_own() -> None:
    """``bench.config.refusal`` and ``bench.check.choose``."""
    cfg = OmegaConf.create({"optimizer": {"lr": "???"}})
    with pytest.raises(MissingMandatoryValue) as raised:
        OmegaConf.to_container(cfg, throw_on_missing=True)
    assert raised.value.full_key == "optimizer.lr"


def test_hydra_hands_exceptions_on_where_full_errors_are_asked_for(monkeypatch) -> None:
    """``bench.config.refusal`` sets the variable, and writes the message itself."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def fails() -> None:
        raise HydraException("mine")

    with pytest.raises(HydraException, match="mine"):
        utils.run_and_report(fails)


def test_the_loader_has_a_repository_of_files(loader, folder) -> None:
    """``bench.config.files``: a file's own values and path, read without composing."""
    file = loader.repository.load_config("model/small")
    assert file.path == f"file://{folder}"
    assert OmegaConf.to_container(file.config) == {"width": 8}
    assert not file.defaults_list
    assert loader.repository.load_config("model/none") is None


def test_a_file_lists_its_defaults_by_group_and_value(loader) -> None:
    """``bench.config.files.find_default_model``."""
    defaults = loader.repository.load_config("task/own").defaults_list
    assert [(one.group, one.value) for one in defaults if getattr(one, "group", "")] == [
        ("/model", "large")
    ]


def test_the_loader_lists_the_options_of_a_group(loader) -> None:
    """``bench.config``, ``bench.check`` and ``bench.sweeps.compose``."""
    assert loader.get_group_options("model") == ["broken", "large", "odd", "small"]
    assert loader.get_group_options("width") == []


def test_choices_are_recorded_in_the_config(loader) -> None:
    """``bench.sweeps.compose`` and ``bench.__main__``."""
    cfg = loader.load_configuration("config", ["model=large"], RunMode.RUN)
    assert cfg.hydra.runtime.choices["model"] == "large"


def test_a_sweep_s_job_is_composed_from_the_sweep_s_config(loader) -> None:
    """``bench.sweeps.compose``: what the files give, and values written over them last."""
    master = loader.load_configuration("config", [], RunMode.MULTIRUN)
    cfg = loader.load_sweep_config(master, ["model=large", "seed=3"])
    assert (cfg.model.width, cfg.seed) == (64, 3)


def test_an_override_says_what_it_is() -> None:
    """``bench.sweeps``: kind, key, values of a sweep."""
    parser = OverridesParser.create()
    plain, swept, span, added = parser.parse_overrides(
        ["seed=1", "optimizer.lr=1e-3,1e-2", "optimizer.lr=interval(0,1)", "+model.depth=2"]
    )
    assert (plain.key_or_group, plain.value(), plain.type.name) == ("seed", 1, "CHANGE")
    assert not plain.is_sweep_override() and plain.get_key_element() == "seed"
    assert swept.is_discrete_sweep() and list(swept.sweep_string_iterator()) == ["0.001", "0.01"]
    assert span.is_interval_sweep() and span.is_sweep_override()
    assert added.is_add() and not added.is_delete() and not added.is_force_add()
    assert not plain.is_hydra_override() and plain.package is None


def test_a_choice_of_one_is_a_sweep() -> None:
    """``bench.sweeps.overrides``."""
    (one,) = OverridesParser.create().parse_overrides(["optimizer.momentum=choice(0.8)"])
    assert one.is_sweep_override()
    assert list(one.sweep_string_iterator()) == ["0.8"]


def test_plugins_are_instantiated_from_below_hydra_plugins(monkeypatch) -> None:
    """``bench.sweeps.plugins``: a module of that name without a file is enough."""
    module = ModuleType("hydra_plugins.contract")
    module.Named = Named  # type: ignore[attr-defined]
    if "hydra_plugins" not in sys.modules:
        parent = ModuleType("hydra_plugins")
        parent.__path__ = []
        monkeypatch.setitem(sys.modules, "hydra_plugins", parent)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Named, "__module__", module.__name__)
    Plugins.instance().register(Named)
    config = OmegaConf.create({"_target_": "hydra_plugins.contract.Named", "name": "mine"})
    made = Plugins.instance()._instantiate(config)
    assert isinstance(made, Named) and made.name == "mine"


def test_a_node_of_the_store_overrides_hydra_s_own_of_that_name() -> None:
    """``bench.sweeps.plugins``: ``hydra/launcher=basic`` is ours."""
    plugins.register()
    node = ConfigStore.instance().load("hydra/launcher/basic.yaml").node
    assert node["_target_"] == "hydra_plugins.optbench.BasicLauncher"


def test_a_search_path_plugin_is_asked_for_each_composition(folder) -> None:
    """``bench.check.choose``: ``--config-dir`` without Hydra's own entry point."""
    asked = []

    class Own(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            asked.append(search_path)

    GlobalHydra.instance().clear()
    register_schema()
    plugins.register()
    Plugins.instance().register(Own)
    try:
        with hydra.initialize_config_module("conf", version_base="1.3"):
            hydra.compose("config", [])
        assert asked
    finally:
        Plugins.instance().class_name_to_class.pop(f"{Own.__module__}.{Own.__qualname__}", None)
        Plugins.instance().plugin_type_to_subclass_list[SearchPathPlugin].remove(Own)
        GlobalHydra.instance().clear()


def test_a_component_that_cannot_be_built_carries_its_cause() -> None:
    """``bench.build.components``."""
    with pytest.raises(InstantiationException) as raised:
        instantiate({"_target_": "builtins.int", "_args_": ["many"]})
    assert isinstance(raised.value.__cause__, ValueError)


def test_the_value_of_a_lost_job_raises_what_it_was_lost_by() -> None:
    """``bench.sweeps.launchers.foreign``."""
    lost = JobReturn(status=JobStatus.FAILED)
    lost.return_value = ConnectionError("the node is gone")
    with pytest.raises(ConnectionError, match="the node is gone"):
        _ = lost.return_value
    done = JobReturn(overrides=["seed=1"], status=JobStatus.COMPLETED, _return_value=3)
    assert done.return_value == 3
