"""From the overrides of many trials to their specs, composing what they share once.

Hydra reads, merges and checks every YAML again for each trial, 60 ms each time. Trials that choose
the same files differ only in values written over them at the end, and so only that is repeated.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from bench.config.trial import build_trial_spec
from bench.spec import OptimizerSpec, RefusedInput, TrialSpec
from bench.spec.hyperparameters import at, hyperparameters

EMPTY: Mapping[str, Any] = MappingProxyType({})
SEED = re.compile(r"seed=\d+")
SEED_REFERENCE = re.compile(r"\$\{[^}]*(seed|\$\{)")
"""An interpolation of the seed, or of a key that another interpolation names."""
DATA_DIR = "${oc.env:OPTBENCH_DATA,data}"
"""The one interpolation that every config has; it refers to no key."""


class Composer:
    """Composes the trials of one sweep.

    Args:
        loader: Hydra's.
        master: the config of the sweep itself.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._shared: dict[tuple[str, ...], tuple[bytes, Mapping[str, str]]] = {}
        self._overrides: dict[str, tuple[Override, bool]] = {}
        self._unseeded: dict[tuple[str, ...], TrialSpec] = {}
        self._seed_is_used = False  # a file makes something else depend on it
        self._has_references = False  # a file makes some key depend on another

    def spec(self, overrides: Sequence[str]) -> TrialSpec:
        """The trial that ``load_sweep_config`` describes for these overrides, checked.

        Raises:
            RefusedInput: naming file, key, value and remedy.
        """
        seeds = [line for line in overrides if SEED.fullmatch(line)]
        # Hydra writes ${seed} as $\{seed\} into the overrides of a sweep
        if len(seeds) != 1 or any("$" in line for line in overrides) or self._seed_is_used:
            return self._spec(overrides)
        others = tuple(line for line in overrides if line not in seeds)
        if others not in self._unseeded:  # composed with this seed, and reused where only it moves
            self._unseeded[others] = self._spec(overrides)
        return replace(self._unseeded[others], seed=int(seeds[0].partition("=")[2]))

    def refuse_followers(
        self, overrides: Sequence[str], base: TrialSpec, names: Iterable[str]
    ) -> None:
        """Refuse values that follow (``${seed}``, ``${optimizer.lr}``) what a study changes.

        A study changes the seed and the hyperparameters in the finished spec, where a value that
        refers to them would stay as it was.

        Args:
            overrides: those of ``base``.
            names: hyperparameters that the study changes.

        Raises:
            RefusedInput: naming the key that is referred to.
        """
        if not self._has_references and not any("$" in line for line in overrides):
            return
        moved = replace(base, seed=base.seed + 1)
        self._refuse_follower("seed", overrides, {"seed": moved.seed}, moved)
        known = hyperparameters(base.optimizer)
        for name in names:
            value = _change(known[name])
            moved = replace(base, optimizer=at(base.optimizer, {name: value}))
            key = _find_config_key(base.optimizer, name)
            self._refuse_follower(key, overrides, {key: value}, moved)

    def _refuse_follower(
        self, key: str, overrides: Sequence[str], values: Mapping[str, Any], moved: TrialSpec
    ) -> None:
        if self._spec(overrides, values).config() != moved.config():
            raise RefusedInput(
                f"{moved.optimizer.path}: ${{{key}}}: a study changes {key}, and a value that "
                "refers to it would not follow. Write the value instead."
            )

    def _spec(self, overrides: Sequence[str], values: Mapping[str, Any] = EMPTY) -> TrialSpec:
        parsed = [self._parsed(line) for line in overrides]
        files = [
            line for line, (_, is_value) in zip(overrides, parsed, strict=True) if not is_value
        ]
        shared, choices = self._composed(tuple(files))
        cfg = pickle.loads(shared)  # a copy, in a sixth of the time of copy.deepcopy
        try:
            for override, is_value in parsed:
                if is_value:
                    OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True)
            for key, value in values.items():
                OmegaConf.update(cfg, key, value)
        except OmegaConfBaseException:  # Hydra's own way says better what is wrong
            cfg = self._loader.load_sweep_config(self._master, list(overrides))
        return build_trial_spec(cfg, choices)

    def _composed(self, overrides: tuple[str, ...]) -> tuple[bytes, Mapping[str, str]]:
        """What the trials with these choices share, pickled, and the choices."""
        if overrides not in self._shared:
            cfg = self._loader.load_sweep_config(self._master, list(overrides))
            choices = dict(cfg.hydra.runtime.choices)
            ours = copy.deepcopy(cfg)
            with open_dict(ours):
                del ours["hydra"]  # the largest part, and nobody's unless somebody refers to it
            written = OmegaConf.to_yaml(ours)
            self._seed_is_used |= bool(SEED_REFERENCE.search(written))
            self._has_references |= "${" in written.replace(DATA_DIR, "")
            self._shared[overrides] = pickle.dumps(cfg if "${hydra" in written else ours), choices
        return self._shared[overrides]

    def _parsed(self, line: str) -> tuple[Override, bool]:
        """An override, and whether it is a plain value, which Hydra writes over the files."""
        if line not in self._overrides:
            (override,) = OverridesParser.create().parse_overrides([line])
            special = override.is_add() or override.is_delete() or override.is_force_add()
            group = override.package or self._loader.get_group_options(override.key_or_group)
            is_value = not (special or group or override.is_hydra_override())
            self._overrides[line] = override, is_value
        return self._overrides[line]


def _change(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}_"


def _find_config_key(spec: OptimizerSpec, name: str) -> str:
    """Return the key of a hyperparameter in the config."""
    own = name in spec.arguments or name.partition(".")[0] in spec.arguments
    return f"optimizer.{name}" if own else f"optimizer.bench.{name}"
