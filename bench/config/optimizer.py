"""An ``OptimizerSpec`` from an optimizer's YAML and overrides of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.build.param_groups import PARAM_GROUP_RULES
from bench.config import sources
from bench.config.files import check_against_file, check_target, find_yaml, read_file_values
from bench.config.schema import OptimizerBlock
from bench.spec import Component, OptimizerSpec, RefusedInput
from bench.spec.hyperparameters import flat, hyperparameters
from bench.spec.names import check_key, check_name, check_values
from bench.spec.needs import CONSTRUCTION_NEEDS, NEEDS
from bench.spec.search_space import dimensions
from bench.spec.suggest import suggest

EXAMPLES = {
    "search_space": "{lr: {log: [1.0e-4, 1.0]}}",
    "param_groups": "all",
    "rest": "{_target_: torch.optim.AdamW, lr: 1.0e-3}",
    "needs": "[closure]",
    "schedules": "[constant]",
    "clip_norm": "1.0",
    "stacks": "false",
    "limit": "{when: {momentum: 0.0}, equals: {_target_: torch.optim.SGD, lr: 0.1}}",
    "reference": "arXiv:1412.6980",
    "name": "adam_mine",
    "package": "torch",
}
"""An example of each key of a ``bench:`` block."""


def build_optimizer_spec(name: str, values: Mapping[str, Any]) -> OptimizerSpec:
    """Build and check the optimizer that ``conf/optimizer/<name>.yaml`` and overrides describe.

    Args:
        values: the composed ``optimizer`` node as plain data.

    Raises:
        RefusedInput: naming file, key, value and remedy.
    """
    source = find_yaml("optimizer", name)
    defaults = read_file_values("optimizer", name)
    check_against_file("optimizer", name, {k: v for k, v in values.items() if k != "bench"})
    block = _check_block(source, values.get("bench"))
    arguments = {k: v for k, v in values.items() if k not in ("_target_", "bench")}
    settings, before = (
        _collect_settings(values, block),
        _collect_settings(defaults, parse_block(defaults.get("bench"))),
    )
    spec = OptimizerSpec(
        name=block.name or name,
        target=values["_target_"],
        arguments=arguments,
        point={k: v for k, v in settings.items() if k not in before or v != before[k]},
        param_groups=block.param_groups,
        rest=None if block.rest is None else _build_rest(source, block.rest),
        needs=tuple(block.needs),
        clip_norm=block.clip_norm,
        code=sources.hash_user_source(sources.find_targets(values)),
        path=source,
        version=_read_versions(values, block.package),
        search_space=block.search_space,
        schedules=tuple(block.schedules),
        stacks=block.stacks,
        limit=block.limit or {},
        file=name,
        declared="bench" in values,
    )
    check_name(f"{source}: {'bench.name' if block.name else 'optimizer'}", spec.name)
    _check_hyperparameters(source, spec)
    return spec


def parse_block(values: Any) -> OptimizerBlock:
    """Parse a ``bench:`` block with the types of its schema.

    Raises:
        OmegaConfBaseException: a value is of another type, or a key unknown.
    """
    return _parse_block(json.dumps(values or {}, default=str))


@lru_cache(maxsize=256)
def _parse_block(text: str) -> OptimizerBlock:
    merged = OmegaConf.merge(OmegaConf.structured(OptimizerBlock), json.loads(text))
    return OptimizerBlock(**cast(Any, OmegaConf.to_container(merged)))


def _build_rest(source: str, values: Mapping[str, Any]) -> Component:
    check_target(f"{source}: bench.rest", "optimizer", values)
    arguments = {key: value for key, value in values.items() if key != "_target_"}
    return Component("rest", values["_target_"], arguments, path=source)


def _check_hyperparameters(source: str, spec: OptimizerSpec) -> None:
    known = hyperparameters(spec)
    for key, value in known.items():
        check_key(source, "hyperparameter", key)
        check_values(f"{source}: optimizer.{key}", value)
        if isinstance(value, float) and math.isnan(value):
            raise RefusedInput(f"{source}: optimizer.{key}: nan is no value; write a number")
    for key in spec.search_space:
        if key not in known:
            raise RefusedInput(f"{source}: unknown search-space key {key!r}; {suggest(key, known)}")
    try:
        dimensions(spec.search_space)
    except RefusedInput as error:
        raise RefusedInput(f"{source}: bench.{error}") from error


def _collect_settings(values: Mapping[str, Any], block: OptimizerBlock) -> dict[str, Any]:
    """Collect all of an optimizer's YAML that an override can change, by name."""
    arguments = {k: v for k, v in values.items() if k not in ("_target_", "bench")}
    ours = {"needs": block.needs, "param_groups": block.param_groups}
    return flat({**arguments, "rest": block.rest or {}, "clip_norm": block.clip_norm}) | ours


def _check_block(source: str, values: Any) -> OptimizerBlock:
    known = OptimizerBlock.__dataclass_fields__
    if values is not None and not isinstance(values, Mapping):
        raise RefusedInput(
            f"{source}: bench: {values!r} is no mapping; write bench: {{KEY: VALUE}}, with "
            f"{', '.join(known)}"
        )
    for key, value in (values or {}).items():
        if key not in known:
            raise RefusedInput(f"{source}: unknown key bench.{key}; {suggest(key, known)}")
        try:
            parse_block({key: value})
        except OmegaConfBaseException as error:
            raise RefusedInput(
                f"{source}: bench.{key}: {value!r} is of the wrong kind; write {key}: "
                f"{EXAMPLES[key]}"
            ) from error
    block = parse_block(values)
    _check_words(source, block)
    if block.rest is not None and block.param_groups != "matrices":
        raise RefusedInput(
            f"{source}: bench.rest: nothing is left over by param_groups: {block.param_groups}; "
            "use param_groups: matrices, or remove it"
        )
    if block.param_groups != "all" and (taken := set(CONSTRUCTION_NEEDS) & set(block.needs)):
        raise RefusedInput(
            f"{source}: bench.param_groups: {block.param_groups} does nothing for an optimizer "
            f"that is constructed from its {taken.pop()}; remove one of the two"
        )
    if block.clip_norm is not None and not 0 < block.clip_norm < math.inf:
        raise RefusedInput(f"{source}: bench.clip_norm: {block.clip_norm:g} is not a positive norm")
    limit = block.limit
    if limit and not (
        limit.keys() == {"when", "equals"}
        and isinstance(limit["when"], Mapping)
        and isinstance(limit["equals"], Mapping)
        and isinstance(limit["equals"].get("_target_"), str)
    ):
        raise RefusedInput(f"{source}: bench.limit: {limit}; write limit: {EXAMPLES['limit']}")
    return block


def _check_words(source: str, block: OptimizerBlock) -> None:
    """Refuse a word of a list or a choice that does not exist."""
    schedules = GlobalHydra.instance().config_loader().get_group_options("schedule")
    for key, words, valid, what in (
        ("param_groups", [block.param_groups], PARAM_GROUP_RULES, "is no rule"),
        ("needs", block.needs, NEEDS, "is unknown"),
        ("schedules", block.schedules, schedules, "is no schedule"),
    ):
        for word in words:
            if valid and str(word) not in valid:
                raise RefusedInput(
                    f"{source}: bench.{key}: {word!r} {what}; {suggest(word, valid)}"
                )


def _read_versions(values: Mapping[str, Any], package: str) -> str:
    """Read the versions of an optimizer's packages; torch and ours are in the environment."""
    modules = {target.partition(".")[0] for target in sources.find_targets(values)} | {package}
    return sources.read_versions(modules - {""})
