"""Ablation: the effect of each ingredient of an optimizer, on the same seeds.

``hydra/sweeper=ablate optimizer=mine ablate=[nesterov,weight_decay]``: the optimizer as it is, and
with each switch alone flipped: true and false are exchanged, a number becomes zero (off), and
``weight_decay=0.1`` gives another value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from bench.spec import RefusedInput, TrialSpec
from bench.spec.hyperparameters import at, hyperparameters
from bench.spec.suggest import suggest
from bench.sweeps.plan import Plan, make_plan
from bench.sweeps.reference import declare_reference
from bench.sweeps.sweepers.study import StudySweeper


class AblationSweeper(StudySweeper):
    """Registered as ``hydra/sweeper=ablate``: a study without tuning, its entrants are variants."""

    def plan(self, arguments: list[str]) -> Plan:
        asked: Any = OmegaConf.to_container(self.config.ablate)
        if not asked:
            raise RefusedInput("ablate: no switch; write ablate=[NAME,…], names of hyperparameters")
        plan = super().plan(arguments)
        bases = tuple(
            variant
            for base in plan.bases
            for variant in make_variants(base, parse_switches(base, asked))
        )
        tuning: Any = OmegaConf.to_container(self.config.tuning)
        return make_plan(bases, {**tuning, "trials": 0}, plan.reporting_seeds)

    def declare_reference(self, plan: Plan, uri: str) -> list[TrialSpec]:
        usual = plan.bases[0].optimizer.name  # as it is, before its variants
        return declare_reference(plan.bases, uri, self.beside, usual)

    def list_changed(self, base: TrialSpec) -> Iterable[str]:
        asked: Any = OmegaConf.to_container(self.config.ablate)
        return parse_switches(base, asked)


def parse_switches(base: TrialSpec, asked: list[Any]) -> dict[str, Any]:
    """Return each switch with the value that it is flipped to.

    Raises:
        RefusedInput: the optimizer has none of that name, or nothing would change.
    """
    known = hyperparameters(base.optimizer)
    flipped = {}
    for word in asked:
        name, given, value = _parse_switch(word)
        if name not in known:
            raise RefusedInput(
                f"ablate={word}: {base.optimizer.name} has no {name!r}; {suggest(name, known)}"
            )
        flipped[name] = value if given else _flip(name, known[name])
        if flipped[name] == known[name]:
            raise RefusedInput(
                f"ablate={word}: {name} is {known[name]} already; write ablate=[{name}=VALUE]"
            )
    return flipped


def make_variants(base: TrialSpec, flipped: Mapping[str, Any]) -> list[TrialSpec]:
    """Make the optimizer as it is, and a variant for each switch."""
    own = replace(base.optimizer, search_space={})
    variants = [
        replace(at(own, {name: value}), name=f"{own.name} {name}={value}")
        for name, value in flipped.items()
    ]
    return [replace(base, optimizer=one) for one in (own, *variants)]


def _parse_switch(word: Any) -> tuple[str, bool, Any]:
    """Parse ``weight_decay``, ``weight_decay=0.1`` or ``{weight_decay: 0.1}``."""
    if isinstance(word, Mapping) and len(word) == 1:
        ((name, value),) = word.items()
        return str(name), True, value
    name, equals, text = str(word).partition("=")
    if not equals:
        return name, False, None
    (override,) = OverridesParser.create().parse_overrides([f"value={text}"])
    return name, True, override.value()


def _flip(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return type(value)(0)
    raise RefusedInput(
        f"ablate={name}: {name} is {value!r}, no switch and no number; write ablate=[{name}=VALUE]"
    )
