"""Steps to the target of all complete entrants: performance profiles with bands, and their areas.

Per task the median over trials counts, where a miss or a trial that did not finish is ∞. The share
is one of all tasks with a target. Steps and not seconds, as a stack's trials have no time of their
own. Bands are bootstrapped over trials within tasks. Profiles depend on who is entered
(``reports.analysis.stability``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis.grid import Grid
from reports.stats import profile
from reports.stats.anchored import median
from reports.stats.bootstrap import draws, interval
from reports.stats.intervals import Interval

COLUMNS = ["entrant_id", "entrant", "tau", "share", "low", "high"]


@dataclass(frozen=True, eq=False)
class PerformanceProfile:
    """The profiles of E complete entrants on the T tasks with a target.

    Attributes:
        entrants: ids and labels.
        steps: of each entrant and task, one a trial; ∞ for a miss.
        strata: position of each task among all settings.
    """

    entrants: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[tuple[NDArray[np.float64], ...], ...] = ()
    strata: tuple[int, ...] = ()

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
    def resamples(self) -> NDArray[np.float64]:
        """Profiles of resamples, shape ``(E, B, len(TAU))``."""
        medians = [
            [
                median(steps[draws(len(steps), at)])
                for steps, at in zip(own, self.strata, strict=True)
            ]
            for own in self.steps
        ]
        return profile.profile(profile.ratios(np.moveaxis(np.array(medians), 1, -1)))

    @cached_property
    def areas(self) -> dict[str, Interval]:
        """The score of each entrant's profile."""
        estimates = profile.area(self.shares) if self.entrants else ()
        return {
            entrant: interval(float(estimate), profile.area(self.resamples[at]), self._sizes(at))
            for at, (entrant, estimate) in enumerate(zip(self.entrants, estimates, strict=True))
        }

    def bands(self, at: int) -> list[Interval]:
        """Compute the band of one entrant at each τ."""
        columns = zip(self.shares[at], self.resamples[at].T, strict=True)
        return [interval(float(share), again, self._sizes(at)) for share, again in columns]

    def _sizes(self, at: int) -> list[int]:
        return [len(steps) for steps in self.steps[at]]


def measure_profile(grid: Grid) -> PerformanceProfile:
    """Collect the steps of the complete entrants of a report on its tasks with a target."""
    if not grid.complete:
        return PerformanceProfile()
    first = grid.complete[0]
    strata = [at for at, name in enumerate(grid.settings) if len(grid.arms[first, name].steps)]
    if not strata:
        return PerformanceProfile()
    steps = [
        tuple(grid.arms[entrant, grid.settings[at]].steps for at in strata)
        for entrant in grid.complete
    ]
    names = {entrant: grid.entrants[entrant] for entrant in grid.complete}
    return PerformanceProfile(names, tuple(steps), tuple(strata))


def tabulate_profile(measured: PerformanceProfile) -> pd.DataFrame:
    """List the profiles at each τ; without a target there are no rows."""
    rows = [
        (entrant, name, tau, band.estimate, band.low, band.high)
        for at, (entrant, name) in enumerate(measured.entrants.items())
        for tau, band in zip(profile.TAU, measured.bands(at), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
