"""Values of a single YAML of ``conf/``, and checks of overrides against them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.config import sources
from bench.spec import Component, RefusedInput
from bench.spec.suggest import suggest


def check_against_file(group: str, name: str, values: Mapping[str, Any]) -> None:
    """Refuse keys that the option's YAML does not list, and values of another type than its own."""
    check_target(find_yaml(group, name), group, values)
    _check_against(find_yaml(group, name), group, read_file_values(group, name), values)


def check_target(source: str, what: str, values: Any) -> None:
    """Refuse what is not described as ``_target_: package.Class`` and its arguments."""
    target = values.get("_target_") if isinstance(values, Mapping) else None
    if not isinstance(target, str) or not target:
        problem = f"_target_: {target}" if target is not None else "no _target_"
        raise RefusedInput(
            f"{source}: {problem}; write _target_: PACKAGE.NAME of what builds the {what}, and its "
            "arguments below it"
        )


def _check_against(
    source: str, path: str, defaults: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    for key, value in values.items():
        if key not in defaults:
            raise RefusedInput(
                f"{path}.{key}={value}: {source} has no such key; {suggest(key, defaults)}"
            )
        if isinstance(defaults[key], dict) and isinstance(value, dict):
            if defaults[key]:  # an empty one is free
                _check_against(source, f"{path}.{key}", defaults[key], value)
            continue
        wanted = _name_type(defaults[key])
        if wanted and wanted != _name_type(value):
            raise RefusedInput(
                f"{path}.{key}={value}: not a {wanted}; {source} has {key}: {defaults[key]}"
            )


def find_yaml(group: str, name: str) -> str:
    """Find an option's YAML: ``conf/…`` of ours, ``my_conf/…`` of a folder beside."""
    return _find_yaml(GlobalHydra.instance().config_loader(), group, name)


@cache
def _find_yaml(loader: ConfigLoader, group: str, name: str) -> str:
    file = cast(Any, loader).repository.load_config(f"{group}/{name}")
    place = urlsplit(file.path) if file is not None else urlsplit("pkg://conf")
    if place.scheme != "file":
        return f"conf/{group}/{name}.yaml"
    path = Path(unquote(place.path)) / group / f"{name}.yaml"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_headline(group: str, name: str) -> str:
    """Read the first comment of an option's YAML, which describes it."""
    ours = Path(str(resources.files("conf").joinpath(group, f"{name}.yaml")))
    path = ours if ours.is_file() else Path(find_yaml(group, name))  # that may be in a conf, too
    comments = (
        line[1:].strip() for line in path.read_text("utf-8").splitlines() if line[:1] == "#"
    )
    return next((line for line in comments if not line.startswith("@")), "")


def read_file_values(group: str, name: str) -> dict[str, Any]:
    """Read the values of an option's YAML, without any override."""
    return _read_file_values(GlobalHydra.instance().config_loader(), group, name)


@cache
def _read_file_values(loader: ConfigLoader, group: str, name: str) -> dict[str, Any]:
    # Read alone where it builds on no other file: composing takes twenty times as long.
    file = cast(Any, loader).repository.load_config(f"{group}/{name}")
    if file is None or file.defaults_list:
        config = loader.load_configuration(f"{group}/{name}", [], RunMode.RUN)[group]
    else:
        config = file.config
    values = OmegaConf.to_container(config, resolve=False)
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def find_default_model(task: str) -> str:
    """Find the model that a task's YAML chooses, else that of ``conf/config.yaml``."""
    repository = cast(Any, GlobalHydra.instance().config_loader()).repository
    for name in (f"task/{task}", "config"):
        for default in repository.load_config(name).defaults_list or ():
            if getattr(default, "group", "").lstrip("/") == "model":
                return str(default.value)
    return ""


def build_component(group: str, name: str, values: Mapping[str, Any]) -> Component:
    """Build the component that an option's YAML, with its overrides, describes."""
    arguments = {key: value for key, value in values.items() if key != "_target_"}
    path = find_yaml(group, name)
    return Component(name, values["_target_"], arguments, sources.describe_code(values), path)


def _name_type(value: Any) -> str:
    """Name the type of a value; empty for None and text, which may stand for any."""
    if isinstance(value, bool):
        return "bool (true or false)"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, dict):
        return "mapping"
    return ""
