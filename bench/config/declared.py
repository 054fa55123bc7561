"""Recorded configs that YAMLs here declare too.

A record may come from anybody, and a component's target and arguments say what is run. So only what
a local YAML composes is built: the same targets, arguments and code. Numbers and switches of an
optimizer may differ, and numbers of the rest, for that is what command lines vary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from bench.config import sources
from bench.config.files import build_component
from bench.config.optimizer import build_optimizer_spec
from bench.config.refusal import REFUSED, explain
from bench.config.start import start_hydra
from bench.config.trial import collect_task_arguments
from bench.spec import Component, RefusedInput, RunContext, TaskSpec, TrialSpec
from bench.spec.hyperparameters import find_difference

Config = Mapping[str, Any]

PRIMARY = "components"
"""A config of the groups alone: ``conf/config.yaml`` names launchers, which this room has not."""

GROUPS = {"optimizer": "adam", "schedule": "constant", "model": "mlp", "task": "digits"}
COMPARED = ("target", "arguments", "code", "param_groups", "needs")


def find_undeclared(configs: Mapping[str, Config], config_dir: str | None) -> dict[str, str]:
    """Find the configs that no YAML here composes, with the first difference of each.

    Args:
        configs: recorded ones, by any name.
        config_dir: a folder of YAMLs beside the shipped ones.

    Raises:
        RefusedInput: there is no such folder.
    """
    defaults = ["schema", "_self_", *({group: name} for group, name in GROUPS.items())]
    ConfigStore.instance().store(name=PRIMARY, node={"defaults": defaults})
    with start_hydra(config_dir):
        compose = cache(_compose)
        found = {name: _explain_difference(config, compose) for name, config in configs.items()}
    return {name: difference for name, difference in found.items() if difference}


def _explain_difference(config: Config, compose: Callable[[str, str], Component]) -> str:
    """Explain where a config differs from what the YAMLs here compose; empty: nowhere."""
    try:
        spec = TrialSpec.from_config(config, RunContext("costs"))
        for group in GROUPS:
            recorded = getattr(spec, group)
            name = (group == "optimizer" and recorded.file) or recorded.name
            declared = compose(group, str(name))  # a record may hold anything
            switches = group in ("optimizer", "schedule")
            here, there = (_select(asdict(one), switches) for one in (declared, recorded))
            if group == "task":
                _drop_added_numbers(here["data"]["arguments"], there["data"]["arguments"])
            if difference := find_difference(here, there):
                return f"{group}/{name}.yaml here differs in {difference}"
    except REFUSED as error:
        return explain(error).split("\n", maxsplit=1)[0]
    return ""


def _compose(group: str, name: str) -> Component:
    """Compose one component as the YAML of this name declares it.

    Raises:
        RefusedInput, or Hydra's own exceptions: there is none, or it cannot be composed alone.
    """
    if name not in GlobalHydra.instance().config_loader().get_group_options(group):
        raise RefusedInput(f"there is no {group}/{name}.yaml here")  # a name may be any path
    cfg = hydra.compose(PRIMARY, [f"{group}={name}"])
    values: Any = OmegaConf.to_container(cfg[group], resolve=True, throw_on_missing=True)
    if group == "optimizer":
        return build_optimizer_spec(name, values)
    if group != "task":
        return build_component(
            group, name, {key: one for key, one in values.items() if key != "inputs"}
        )
    return TaskSpec(
        name,
        values["_target_"],
        collect_task_arguments(values),
        sources.describe_code({"_target_": values["_target_"]}),
        data=build_component("task", name, values["data"]),
        version=values["version"],
    )


def _select(component: Mapping[str, Any], switches: bool) -> dict[str, Any]:
    """Select what has to be the same. What must not differ at all becomes text.

    Args:
        switches: whether true and false may differ, as an optimizer's; a model's may fetch weights.
    """
    inner = {key: component.get(key) for key in ("data", "rest")}
    selected = {key: component[key] for key in COMPARED if key in component}
    if not switches:
        selected["arguments"] = _spell_switches(selected["arguments"])
    return {
        **selected,
        **{key: _select(value, switches) for key, value in inner.items() if value},
        "version": str(component.get("version", "")),
    }


def _drop_added_numbers(here: Mapping[str, Any], there: dict[str, Any]) -> None:
    """Drop numbers that a suite adds to a loader's arguments, as ``+task.data.test=65536`` does."""
    for key in there.keys() - here.keys():
        if isinstance(there[key], int | float) and key[:1] != "_":
            del there[key]


def _spell_switches(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _spell_switches(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_spell_switches(inner) for inner in value]
    return str(value) if isinstance(value, bool) else value
