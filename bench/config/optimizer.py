"""From one optimizer's YAML, and overrides of it, to an ``OptimizerSpec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.config import sources
from bench.config.files import check_against_file, component, file_values
from bench.config.schema import OptimizerBlock
from bench.hyperparameters import flat, hyperparameters
from bench.needs import NEEDS
from bench.param_groups import RULES
from bench.space import dimensions
from bench.spec import OptimizerSpec, RefusedInput
from bench.suggest import suggest


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
    settings, before = _settings(values), _settings(own)
    spec = OptimizerSpec(
        name=block.name or name,
        target=values["_target_"],
        arguments=arguments,
        point={k: v for k, v in settings.items() if k not in before or v != before[k]},
        param_groups=block.param_groups,
        rest=None if block.rest is None else component("rest", block.rest),
        needs=tuple(block.needs),
        clip_norm=block.clip_norm,
        code=sources.source(sources.targets(values)),
        version=_versions(values, block.package),
        search_space=block.search_space,
        schedules=tuple(block.schedules),
        stacks=block.stacks,
        limit=block.limit or {},
        file=name,
        declared="bench" in values,
    )
    _check_search_space(source, spec)
    return spec


def _check_search_space(source: str, spec: OptimizerSpec) -> None:
    known = hyperparameters(spec)
    for key in spec.search_space:
        if key not in known:
            raise RefusedInput(f"{source}: unknown search-space key {key!r}; {suggest(key, known)}")
    try:
        dimensions(spec.search_space)
    except RefusedInput as error:
        raise RefusedInput(f"{source}: bench.{error}") from error


def _settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever of an optimizer's YAML an override can change, by name."""
    arguments = {k: v for k, v in values.items() if k not in ("_target_", "bench")}
    block = OptimizerBlock(**(values.get("bench") or {}))
    ours = {"needs": block.needs, "param_groups": block.param_groups}
    return flat({**arguments, "rest": block.rest or {}, "clip_norm": block.clip_norm}) | ours


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
        if need not in NEEDS:
            raise RefusedInput(
                f"{source}: bench.needs: {need!r} is unknown; {suggest(need, NEEDS)}"
            )
    return block


def _versions(values: Mapping[str, Any], package: str) -> str:
    """Third-party packages that an optimizer comes from; torch and ours are in the environment."""
    modules = {target.partition(".")[0] for target in sources.targets(values)} | {package}
    return sources.versions(modules - {""})
