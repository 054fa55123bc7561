"""Draws of points from a declared space: a function of space, sampler, seed, repeat and index.

Scrambled Sobol points fill the space evenly whatever their number (Bousquet et al. 2017,
arXiv:1706.03200), and a larger budget keeps the points of a smaller one. Optuna's samplers look at
what earlier points gave; they are adaptive, and never compared with the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from bench.spec import RefusedInput, digest
from bench.spec.search_space import Dimension, dimensions
from bench.spec.suggest import suggest

FIXED = ("sobol", "random", "grid")
ADAPTIVE = ("tpe", "gp", "cmaes")
SAMPLERS = (*FIXED, *ADAPTIVE)
"""Values of ``tuning.sampler``; all points of a grid change with their number."""


def check_sampler(sampler: str) -> None:
    """Refuse an unknown sampler, or one whose package is missing."""
    if sampler not in SAMPLERS:
        raise RefusedInput(f"tuning.sampler={sampler}: unknown; {suggest(sampler, SAMPLERS)}")
    if sampler in ADAPTIVE:
        _import_optuna(sampler)


class Source(NamedTuple):
    """The declared space, sampler, seed and repeat, which determine a draw."""

    space: Mapping[str, Any]
    sampler: str
    seed: int = 0
    repeat: int = 0

    def make_generator(self) -> np.random.Generator:
        """Make the generator of this draw."""
        entropy = [int(digest(dict(self.space)), 16), self.seed, self.repeat]
        return np.random.default_rng(entropy)


def draw_points(source: Source, count: int) -> list[dict[str, Any]]:
    """Draw the first ``count`` points without a look at results; values by name."""
    known = dimensions(source.space)
    units = _UNITS[source.sampler](len(known), count, source.make_generator())
    return [
        {one.name: one.value(float(unit)) for one, unit in zip(known, row, strict=True)}
        for row in units
    ]


class Adaptive(Protocol):
    """A draw that looks at results: ask for a point, tell its value, repeat."""

    def ask(self) -> dict[str, Any]: ...

    def tell(self, value: float) -> None: ...


class OptunaDraw:
    """One repeat's draw by a sampler of Optuna. The same results lead to the same points.

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
        self._trial: Any = None

    def ask(self) -> dict[str, Any]:
        """Return the next point."""
        self._trial = self._study.ask()
        return {one.name: self._suggest(one) for one in self._dimensions}

    def tell(self, value: float) -> None:
        """Give the value of the last point; NaN for a trial that did not finish."""
        if math.isnan(value):
            self._study.tell(self._trial, state=_import_optuna("").trial.TrialState.FAIL)
        else:
            self._study.tell(self._trial, value)

    def _suggest(self, dimension: Dimension) -> Any:
        if dimension.scale == "choice":
            return self._trial.suggest_categorical(dimension.name, list(dimension.ends))
        return dimension.value(self._trial.suggest_float(dimension.name, 0.0, 1.0))


def _sobol(axes: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw ``[count, axes]`` by powers of two, which keeps the points in balance."""
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
