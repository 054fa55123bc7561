"""Steps to the target of all complete entrants: performance profiles with bands, and their areas.

Per task the median over trials, a miss or a trial that broke off being ∞; the share is one of all
tasks with a target. Steps and not seconds, as a stack's trials have no time of their own. Bands are
bootstrapped over trials within tasks. Profiles depend on who is entered (``reports.analysis.stability``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis.grid import Grid
from reports.stats import profile
from reports.stats.anchored import median
from reports.stats.bootstrap import draws, interval
from reports.stats.intervals import Interval

COLUMNS = ["entrant", "tau", "share", "low", "high"]


@dataclass(frozen=True, eq=False)
class Race:
    """E complete entrants on the T tasks with a target.

    Attributes:
        steps: of each entrant and task, one a trial; ∞ for a miss.
        strata: place of each task among all comparisons.
    """

    entrants: tuple[str, ...]
    steps: tuple[tuple[NDArray[np.float64], ...], ...]
    strata: tuple[int, ...]

    @cached_property
    def medians(self) -> NDArray[np.float64]:
        """Shape ``(E, T)``."""
        rows = [[float(median(steps)) for steps in own] for own in self.steps]
        return np.array(rows).reshape(len(self.entrants), len(self.strata))

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Profiles, shape ``(E, len(TAU))``."""
        return profile.profile(profile.ratios(self.medians))

    @cached_property
    def resampled(self) -> NDArray[np.float64]:
        """Profiles of resamples, shape ``(E, B, len(TAU))``."""
        medians = [
            [
                median(steps[draws(len(steps), at)])
                for steps, at in zip(own, self.strata, strict=True)
            ]
            for own in self.steps
        ]
        return profile.profile(profile.ratios(np.moveaxis(np.array(medians), 1, -1)))

    def area(self, entrant: str) -> Interval:
        """The score of one entrant's profile."""
        at = self.entrants.index(entrant)
        estimate = float(profile.area(self.shares[at]))
        return interval(estimate, profile.area(self.resampled[at]), self._sizes(at))

    def bands(self, at: int) -> list[Interval]:
        """Of one entrant, one at each τ."""
        columns = zip(self.shares[at], self.resampled[at].T, strict=True)
        return [interval(float(share), again, self._sizes(at)) for share, again in columns]

    def _sizes(self, at: int) -> list[int]:
        return [len(steps) for steps in self.steps[at]]


def race(grid: Grid) -> Race:
    """The complete entrants of a report on its tasks with a target."""
    if not grid.complete:
        return Race((), (), ())
    first = grid.complete[0]
    strata = [at for at, name in enumerate(grid.comparisons) if len(grid.sides[first, name].steps)]
    steps = [
        tuple(grid.sides[entrant, grid.comparisons[at]].steps for at in strata)
        for entrant in (grid.complete if strata else ())
    ]
    return Race(grid.complete if strata else (), tuple(steps), tuple(strata))


def profiles(race: Race) -> pd.DataFrame:
    """Profiles at each τ; without a target nowhere, no rows."""
    rows = [
        (entrant, tau, band.estimate, band.low, band.high)
        for at, entrant in enumerate(race.entrants)
        for tau, band in zip(profile.TAU, race.bands(at), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
