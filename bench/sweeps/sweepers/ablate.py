"""Ablation: what each ingredient of an optimizer brings, on paired seeds.

``hydra/sweeper=ablate optimizer=mine ablate=[nesterov,weight_decay]``: the optimizer as it is, and
with each switch alone turned over: true and false change places, a number goes to zero (off), and
``weight_decay=0.1`` says another value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from bench.spec import RefusedInput, TrialSpec
from bench.spec.hyperparameters import at, hyperparameters
from bench.spec.suggest import suggest
from bench.sweeps.plan import Plan, plan_of
from bench.sweeps.sweepers.study import StudySweeper


class AblationSweeper(StudySweeper):
    """Registered as ``hydra/sweeper=ablate``: a study without tuning, its entrants are variants."""

    def plan(self, arguments: list[str]) -> Plan:
        asked: Any = OmegaConf.to_container(self.config.ablate)
        if not asked:
            raise RefusedInput("ablate: no switch; write ablate=[NAME,…], names of hyperparameters")
        plan = super().plan(arguments)
        bases = tuple(
            variant for base in plan.bases for variant in variants(base, switches(base, asked))
        )
        tuning: Any = OmegaConf.to_container(self.config.tuning)
        return plan_of(bases, {**tuning, "trials": 0}, plan.reporting_seeds)


def switches(base: TrialSpec, asked: list[Any]) -> dict[str, Any]:
    """Each switch with the value that it is turned to.

    Raises:
        RefusedInput: the optimizer has none of that name, or nothing would change.
    """
    known = hyperparameters(base.optimizer)
    found = {}
    for word in asked:
        name, given, value = _named(word)
        if name not in known:
            raise RefusedInput(
                f"ablate={word}: {base.optimizer.name} has no {name!r}; {suggest(name, known)}"
            )
        found[name] = value if given else _turned(name, known[name])
        if found[name] == known[name]:
            raise RefusedInput(
                f"ablate={word}: {name} is {known[name]} already; write ablate=[{name}=VALUE]"
            )
    return found


def variants(base: TrialSpec, turned: Mapping[str, Any]) -> list[TrialSpec]:
    """The optimizer as it is, which the others are compared with, and each variant."""
    own = replace(base.optimizer, search_space={})
    turned_over = [
        replace(at(own, {name: value}), name=f"{own.name} {name}={value}")
        for name, value in turned.items()
    ]
    origin = replace(base.origin, reference=own.name)
    return [replace(base, optimizer=one, origin=origin) for one in (own, *turned_over)]


def _named(word: Any) -> tuple[str, bool, Any]:
    """Of ``weight_decay``, ``weight_decay=0.1`` or ``{weight_decay: 0.1}``: name, given, value."""
    if isinstance(word, Mapping) and len(word) == 1:
        ((name, value),) = word.items()
        return str(name), True, value
    name, equals, text = str(word).partition("=")
    if not equals:
        return name, False, None
    (override,) = OverridesParser.create().parse_overrides([f"value={text}"])
    return name, True, override.value()


def _turned(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return type(value)(0)
    raise RefusedInput(
        f"ablate={name}: {name} is {value!r}, no switch and no number; write ablate=[{name}=VALUE]"
    )
