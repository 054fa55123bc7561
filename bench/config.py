"""From a composed config to a frozen ``TrialSpec``.

``bench.schema`` refuses unknown keys and wrong types while Hydra composes; what it cannot know (an
optimizer's hyperparameters, a model that does not fit a task, data that is not there) is refused in
``trial_spec``. None of it imports torch, so a mistake is answered at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any, cast
from urllib.parse import urlsplit

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from bench import build
from bench.param_groups import RULES
from bench.schema import OptimizerBlock
from bench.spec import (
    Budget,
    Component,
    Hardware,
    OptimizerSpec,
    RefusedInput,
    Target,
    TaskSpec,
    TrialSpec,
    flat,
)

EVALUATIONS = 20
"""Evaluations of a trial where ``budget.eval_every`` does not say otherwise."""

STORES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
"""Kinds of MLflow store that can be tracked to."""


def trial_spec(cfg: DictConfig, choices: Mapping[str, str]) -> TrialSpec:
    """The trial that a composed config describes, checked.

    Args:
        cfg: as Hydra composed it.
        choices: the option chosen in each config group (``hydra.runtime.choices``).

    Raises:
        RefusedInput: naming file, key, value and remedy.
    """
    plain: dict[str, Any] = {
        str(key): OmegaConf.to_container(cfg[key], resolve=True, throw_on_missing=True)
        if OmegaConf.is_config(cfg[key])
        else cfg[key]
        for key in cfg
        if key != "hydra"
    }
    for group in ("model", "schedule"):
        check_against_file(group, choices[group], plain[group])
    task, model = plain["task"], plain["model"]
    _check_fit(choices, task.get("inputs"), model.pop("inputs", None))
    data = _component("", task["data"])
    dataset = build.dataset(choices["task"], data, plain["data_dir"], plain["download"])
    trainer = plain["trainer"]
    return TrialSpec(
        study=plain["study"],
        task=TaskSpec(
            name=choices["task"],
            target=task["_target_"],
            data=data,
            target_metric=Target(task["metric"], task["direction"], task["target"]),
            version=task["version"],
        ),
        model=_component(choices["model"], model),
        optimizer=optimizer_spec(choices["optimizer"], plain["optimizer"]),
        schedule=_component(choices["schedule"], plain["schedule"]),
        batch_size=_batch_size(plain["batch_size"], len(dataset.train.targets)),
        budget=_budget(plain["budget"], plain["batch_size"], len(dataset.train.targets)),
        seed=plain["seed"],
        precision=trainer["precision"],
        stop_at_target=plain["stop_at_target"],
        data_fingerprint=dataset.fingerprint,
        data_dir=plain["data_dir"],
        download=plain["download"],
        hardware=_hardware(trainer),
    )


def check_uri(uri: str) -> None:
    """Refuse an address that is no MLflow store; a bare folder is none since MLflow 3.13."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in STORES:
        raise RefusedInput(
            f"tracking.uri={uri}: no such kind of store; use sqlite:///PATH.db, postgresql://… or "
            "http://HOST:PORT of an MLflow server"
        )


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


def suggest(word: str, valid: Iterable[object]) -> str:
    """``did you mean 'lr'? Valid: betas, eps, lr``."""
    names = sorted(str(name) for name in valid if not str(name).startswith("_"))
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Valid: {', '.join(names)}"


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


def _check_fit(choices: Mapping[str, str], given: str | None, taken: str | None) -> None:
    if given and taken and given != taken:
        raise RefusedInput(
            f"model={choices['model']}: takes {taken}, but task={choices['task']} gives {given}; "
            f"choose a model whose YAML in conf/model says inputs: {given}"
        )


def _component(name: str, values: Mapping[str, Any]) -> Component:
    arguments = {key: value for key, value in values.items() if key != "_target_"}
    return Component(name, values["_target_"], arguments)


def optimizer_spec(name: str, values: Mapping[str, Any]) -> OptimizerSpec:
    """The optimizer that ``conf/optimizer/<name>.yaml`` and overrides of it describe, checked.

    Args:
        values: the composed ``optimizer`` node as plain data.

    Raises:
        RefusedInput: naming file, key, value and remedy.
    """
    source = f"conf/optimizer/{name}.yaml"
    own = file_values("optimizer", name)
    block = _optimizer_block(source, values.get("bench") or {})
    arguments = {k: v for k, v in values.items() if k not in ("_target_", "bench")}
    check_against_file("optimizer", name, {k: v for k, v in values.items() if k != "bench"})
    settings = _settings(values)
    for key in block.search_space:
        if key not in settings:
            raise RefusedInput(
                f"{source}: unknown search-space key {key!r}; {suggest(key, settings)}"
            )
    rest = None if block.rest is None else _component("rest", block.rest)
    before = _settings(own)
    return OptimizerSpec(
        name=block.name or name,
        target=values["_target_"],
        arguments=arguments,
        point={k: v for k, v in settings.items() if k not in before or v != before[k]},
        param_groups=block.param_groups,
        rest=rest,
        needs=tuple(block.needs),
        clip_norm=block.clip_norm,
        version=_versions([values, block.rest or {}], block.package),
        search_space=block.search_space,
        schedules=tuple(block.schedules),
        limit=block.limit or {},
        file=name,
        declared="bench" in values,
    )


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever of an optimizer's YAML can be one of its hyperparameters, by dotted name."""
    arguments = {k: v for k, v in values.items() if k not in ("_target_", "bench")}
    block = OptimizerBlock(**(values.get("bench") or {}))
    ours = {"rest": block.rest or {}, "clip_norm": block.clip_norm, "needs": block.needs}
    return flat({**arguments, **ours, "param_groups": block.param_groups})


def _optimizer_block(source: str, values: Mapping[str, Any]) -> OptimizerBlock:
    known = OptimizerBlock.__dataclass_fields__
    for key in values:
        if key not in known:
            raise RefusedInput(f"{source}: unknown key bench.{key}; {suggest(key, known)}")
    block = OptimizerBlock(**values)
    if block.param_groups not in RULES:
        raise RefusedInput(
            f"{source}: bench.param_groups: {block.param_groups!r} is no rule; "
            f"{suggest(block.param_groups, RULES)}"
        )
    if block.rest is not None and block.param_groups != "matrices":
        raise RefusedInput(
            f"{source}: bench.rest: nothing is left over by param_groups: {block.param_groups}; "
            "use param_groups: matrices, or remove it"
        )
    if block.clip_norm is not None and not block.clip_norm > 0:
        raise RefusedInput(f"{source}: bench.clip_norm: {block.clip_norm} is not a positive norm")
    for need in block.needs:
        if need not in build.NEEDS:
            raise RefusedInput(
                f"{source}: bench.needs: {need!r} is unknown; {suggest(need, build.NEEDS)}"
            )
    return block


def _versions(parts: Iterable[Mapping[str, Any]], package: str) -> str:
    """Third-party packages that an optimizer comes from; torch and ours are in the environment."""
    targets = [v for part in parts for k, v in flat(part).items() if k.endswith("_target_")]
    modules = {str(target).partition(".")[0] for target in targets} | ({package} - {""})
    found = {module: _version(module) for module in sorted(modules - {"torch", "bench"})}
    return ", ".join(f"{module} {version}" for module, version in found.items() if version)


@cache
def _version(module: str) -> str:
    """Version of the package that brings a module; empty for a user's own."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        packages = metadata.packages_distributions().get(module, [])
        return metadata.version(packages[0]) if packages else ""


def _batch_size(batch_size: int, examples: int) -> int:
    if batch_size > examples:
        raise RefusedInput(
            f"batch_size: {batch_size} exceeds the {examples} examples of the training split"
        )
    return batch_size


def _budget(values: Mapping[str, Any], batch_size: int, examples: int) -> Budget:
    steps, epochs = values["steps"], values["epochs"]
    if epochs is not None:
        if epochs <= 0:
            raise RefusedInput(f"budget.epochs: {epochs} is not a positive number of epochs")
        steps = max(1, round(epochs * (examples // max(1, batch_size))))
    if steps is None:
        raise RefusedInput("budget.steps: missing; give budget.steps or budget.epochs")
    every = values["eval_every"]
    return Budget(steps, max(1, steps // EVALUATIONS) if every is None else every)


def _hardware(trainer: Mapping[str, Any]) -> Hardware:
    devices, threads = trainer["devices"], trainer["threads"]
    one_index = isinstance(devices, list) and len(devices) == 1 and isinstance(devices[0], int)
    if devices != 1 and not one_index:
        raise RefusedInput(
            f"trainer.devices={devices}: one trial trains on one device; give 1 or one index such "
            "as [0], and use a launcher (hydra/launcher=joblib) to fill several"
        )
    if threads < 1:
        raise RefusedInput(f"trainer.threads: {threads} is not a positive number of threads")
    return Hardware(trainer["accelerator"], tuple(devices) if one_index else 1, threads)
