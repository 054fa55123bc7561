"""Draws of settings from a declared space, each tuning's its own.

The first setting of a tuning is the default. Scrambled Sobol settings follow: they fill the space
evenly whatever their number (Bousquet et al. 2017, arXiv:1706.03200), and a larger tuning keeps
those of a smaller one. Optuna's samplers look at what earlier settings gave; they are adaptive, and
never compared with the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from bench.spec import RefusedInput, TrialSpec, digest, protocol
from bench.spec.hyperparameters import hyperparameters
from bench.spec.search_space import Dimension, dimensions, find_outside
from bench.spec.suggest import suggest

FIXED = ("sobol", "random", "grid")
ADAPTIVE = ("tpe", "gp", "cmaes")
SAMPLERS = (*FIXED, *ADAPTIVE)
"""Values of ``tuning.sampler``; all settings of a grid change with their number."""

PATIENCE = 64
"""Draws for each setting that is wanted, after which a small space is taken to be exhausted."""

RELEASE = ("arguments", "rest", "clip_norm", "version", "code")
"""Keys of an optimizer's config that do not enter a draw as they are: hyperparameters, of which the
untuned ones enter by name, and which release computes it."""


def check_sampler(sampler: str) -> None:
    """Refuse an unknown sampler, or one whose package is missing."""
    if sampler not in SAMPLERS:
        raise RefusedInput(f"tuning.sampler={sampler}: unknown; {suggest(sampler, SAMPLERS)}")
    if sampler in ADAPTIVE:
        _import_optuna(sampler)


class Source(NamedTuple):
    """One tuning of one configuration on one task, which determines its draw.

    Attributes:
        base: the configuration at its default.
        seed: ``tuning.seed``.
        repeat: number of the tuning.
    """

    base: TrialSpec
    sampler: str
    seed: int = 0
    repeat: int = 0

    @property
    def space(self) -> Mapping[str, Any]:
        """The declared space."""
        return self.base.optimizer.search_space

    def identify(self) -> str:
        """Return a digest of all that the draw depends on.

        These are what is equal within a comparison (``protocol.setting``: task, data, model, batch
        size, budget, precision, stop), the recorded optimizer with its untuned hyperparameters, the
        recorded schedule, the space, ``tuning.seed`` and the number of the tuning. A package's
        version and the digest of a user's code are left out. So no two tunings of a report share
        their settings.
        """
        config = self.base.config()
        recorded, rest = config["optimizer"], config["optimizer"]["rest"]
        untuned = {
            name: value
            for name, value in hyperparameters(recorded).items()
            if name not in self.space
        }
        optimizer = {key: value for key, value in recorded.items() if key not in RELEASE}
        return digest(
            {
                "setting": protocol.setting(config),
                "optimizer": {**optimizer, "rest": rest and rest["target"], "untuned": untuned},
                "schedule": config["schedule"],
                "space": dict(self.space),
                "seed": self.seed,
                "repeat": self.repeat,
            }
        )

    def make_generator(self) -> np.random.Generator:
        """Make the generator of this draw."""
        return np.random.default_rng(int(self.identify(), 16))


def draw_settings(source: Source, count: int) -> list[dict[str, Any]]:
    """Draw the settings of a tuning without a look at results; values by name.

    No setting comes twice, so a space that holds fewer settings gives fewer.

    Args:
        count: at least 1. The first setting is the default, which names no value.
    """
    known = dimensions(source.space)
    own = hyperparameters(source.base.optimizer)
    default = {one.name: own.get(one.name) for one in known}
    asked = count - 1
    while True:
        units = _UNITS[source.sampler](len(known), asked, source.make_generator())
        drawn = [
            {one.name: one.value(float(unit)) for one, unit in zip(known, row, strict=True)}
            for row in units
        ]
        different = {repr(point): point for point in (default, *drawn)}
        # another number of cells makes another grid
        if len(different) >= count or source.sampler == "grid" or asked >= PATIENCE * count:
            return [{}, *list(different.values())[1:count]]
        asked *= 2


class Adaptive(Protocol):
    """A draw that looks at results: ask for a setting, tell its value, repeat."""

    def ask(self) -> dict[str, Any]: ...

    def tell(self, value: float) -> None: ...


class OptunaDraw:
    """One tuning's draw by a sampler of Optuna. The same results lead to the same settings.

    The default is asked first. The sampler learns its value where the default lies in the space;
    elsewhere Optuna has no place for it, and it only competes with the settings that are drawn.

    Args:
        direction: of the values that it is told.
    """

    def __init__(self, source: Source, direction: str) -> None:
        optuna = _import_optuna(source.sampler)
        self._dimensions = dimensions(source.space)
        start = int(source.make_generator().integers(2**31))
        make = {
            "tpe": optuna.samplers.TPESampler,
            "gp": optuna.samplers.GPSampler,
            "cmaes": optuna.samplers.CmaEsSampler,
        }[source.sampler]
        self._study = optuna.create_study(direction=direction, sampler=make(seed=start))
        self._default = hyperparameters(source.base.optimizer)
        self._is_known = not find_outside(source.space, self._default)
        self._asked = 0
        self._trial: Any = None

    def ask(self) -> dict[str, Any]:
        """Return the next setting: at first the default, which names no value."""
        self._asked += 1
        if self._asked == 1:
            if self._is_known:
                self._study.enqueue_trial(dict(map(self._place, self._dimensions)))
                self._draw()
            return {}
        return self._draw()

    def tell(self, value: float) -> None:
        """Give the value of the last setting; NaN for a trial that did not finish."""
        if self._trial is None:  # the default lies outside of the space
            return
        if math.isnan(value):
            self._study.tell(self._trial, state=_import_optuna("").trial.TrialState.FAIL)
        else:
            self._study.tell(self._trial, value)

    def _draw(self) -> dict[str, Any]:
        self._trial = self._study.ask()
        return {one.name: self._suggest(one) for one in self._dimensions}

    def _place(self, dimension: Dimension) -> tuple[str, Any]:
        """Return the default's coordinate in the space that Optuna sees."""
        value = self._default[dimension.name]
        if dimension.scale == "choice":
            return dimension.name, value
        return dimension.name, min(max(dimension.unit(value), 0.0), 1.0)

    def _suggest(self, dimension: Dimension) -> Any:
        if dimension.scale == "choice":
            return self._trial.suggest_categorical(dimension.name, list(dimension.ends))
        return dimension.value(self._trial.suggest_float(dimension.name, 0.0, 1.0))


def _sobol(axes: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw ``[count, axes]`` by powers of two, which keeps the settings in balance."""
    from scipy.stats import qmc  # a second that a refusal does not wait for

    draw = qmc.Sobol(axes, scramble=True, rng=generator)
    return draw.random_base2(math.ceil(math.log2(max(2, count))))[:count]


def _random(axes: int, count: int, generator: np.random.Generator) -> np.ndarray:
    return np.array([generator.random(axes) for _ in range(count)]).reshape(count, axes)


def _grid(axes: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return the middles of equal cells, as few an axis as suffice, in random order."""
    cells = math.ceil(count ** (1 / axes) - 1e-9)
    middles = (np.arange(cells) + 0.5) / cells
    whole = np.array(list(itertools.product(middles, repeat=axes)))
    return generator.permutation(whole)[:count]


_UNITS = {"sobol": _sobol, "random": _random, "grid": _grid}


def _import_optuna(sampler: str) -> Any:
    try:
        import optuna  # an optional extra
    except ModuleNotFoundError as error:
        raise RefusedInput(
            f"tuning.sampler={sampler}: needs Optuna; pip install 'optbench[optuna]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
