"""What one YAML of ``conf/`` says by itself, and whether overrides of it are of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.spec import Component, RefusedInput
from bench.suggest import suggest


def check_against_file(group: str, name: str, values: Mapping[str, Any]) -> None:
    """Refuse keys that the option's YAML does not list, and values of another type than its own."""
    _check_against(f"conf/{group}/{name}.yaml", group, file_values(group, name), values)


def _check_against(
    source: str, path: str, own: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    for key, value in values.items():
        if key not in own:
            raise RefusedInput(
                f"{path}.{key}={value}: {source} has no such key; {suggest(key, own)}"
            )
        if isinstance(own[key], dict) and isinstance(value, dict):
            if own[key]:  # an empty one is free
                _check_against(source, f"{path}.{key}", own[key], value)
            continue
        wanted = _type_name(own[key])
        if wanted and wanted != _type_name(value):
            raise RefusedInput(
                f"{path}.{key}={value}: not a {wanted}; {source} has {key}: {own[key]}"
            )


def file_values(group: str, name: str) -> dict[str, Any]:
    """The values that ``conf/<group>/<name>.yaml`` gives on its own, without any override."""
    return _file_values(GlobalHydra.instance().config_loader(), group, name)


@cache
def _file_values(loader: ConfigLoader, group: str, name: str) -> dict[str, Any]:
    # Read alone where it builds on no other file: composing takes twenty times as long.
    file = cast(Any, loader).repository.load_config(f"{group}/{name}")
    if file is None or file.defaults_list:
        config = loader.load_configuration(f"{group}/{name}", [], RunMode.RUN)[group]
    else:
        config = file.config
    values = OmegaConf.to_container(config, resolve=False)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def component(name: str, values: Mapping[str, Any], code: str = "") -> Component:
    """What a YAML in Hydra's form describes."""
    arguments = {key: value for key, value in values.items() if key != "_target_"}
    return Component(name, values["_target_"], arguments, code)


def _type_name(value: Any) -> str:
    """The kind of a value that has one; empty for None and text, which say nothing."""
    if isinstance(value, bool):
        return "bool (true or false)"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, dict):
        return "mapping"
    return ""
