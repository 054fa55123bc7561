"""Final values of an arm as arrays by repeat and seed, and those of two arms in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FinalValues:
    """Final values of one arm on one split, R repeats and S seeds.

    Attributes:
        repeats, seeds: shapes ``(R,)`` and ``(S,)``, ascending.
        value: shape ``(R, S)``; NaN where a trial did not finish or none ran.
        ran: shape ``(R, S)``; true for every trial that was not skipped.
    """

    repeats: NDArray[np.int64]
    seeds: NDArray[np.int64]
    value: Floats
    ran: Flags

    @property
    def outcomes(self) -> Floats:
        """One value a trial that ran, shape ``(n,)``; NaN for one that did not finish."""
        return self.value[self.ran]


@dataclass(frozen=True, eq=False)
class PairedValues:
    """Final values of two arms on the repeats and seeds that both ran, shape ``(R, S)``.

    Attributes:
        ours, theirs: values; NaN where a trial did not finish or there is no pair.
        ran: true where both ran.
    """

    ours: Floats
    theirs: Floats
    ran: Flags

    @property
    def pairs(self) -> int:
        """The number of seeds that both ran."""
        return int(self.ran.any(axis=0).sum())

    @property
    def has_failures(self) -> bool:
        """True where a trial of a pair did not finish."""
        return bool((self.ran & ~self._finished).any())

    @cached_property
    def finished(self) -> tuple[Floats, Floats]:
        """Values of the seeds that finished in every repeat on both arms, shape ``(R, n)``."""
        all_of_it = self._finished.all(axis=0)
        return self.ours[:, all_of_it], self.theirs[:, all_of_it]

    @cached_property
    def _finished(self) -> Flags:
        return ~(np.isnan(self.ours) | np.isnan(self.theirs))


def arrange_values(
    repeat: NDArray[np.generic], seed: NDArray[np.generic], value: Floats, failed: Flags
) -> FinalValues:
    """Arrange one entry a trial that was not skipped, shapes ``(n,)``, each pair at most once."""
    repeats, rows = np.unique(repeat.astype(np.int64), return_inverse=True)
    seeds, columns = np.unique(seed.astype(np.int64), return_inverse=True)
    values = np.full((len(repeats), len(seeds)), np.nan)
    ran = np.zeros(values.shape, dtype=bool)
    values[rows, columns] = np.where(failed, np.nan, value)
    ran[rows, columns] = failed | ~np.isnan(value)
    return FinalValues(repeats, seeds, values, ran)


def pair_values(ours: FinalValues, theirs: FinalValues) -> PairedValues:
    """Pair the values where both ran; leave out repeats and seeds without any pair."""
    alike = (ours.repeats, theirs.repeats), (ours.seeds, theirs.seeds)
    if all(np.array_equal(*two) for two in alike) and ours.ran.all() and theirs.ran.all():
        return PairedValues(ours.value, theirs.value, ours.ran)
    _, ours_r, theirs_r = np.intersect1d(ours.repeats, theirs.repeats, return_indices=True)
    _, ours_s, theirs_s = np.intersect1d(ours.seeds, theirs.seeds, return_indices=True)
    a, b = np.ix_(ours_r, ours_s), np.ix_(theirs_r, theirs_s)
    ran = ours.ran[a] & theirs.ran[b]
    paired = np.ix_(ran.any(axis=1), ran.any(axis=0))
    ran = ran[paired]
    a_value, b_value = ours.value[a][paired], theirs.value[b][paired]
    return PairedValues(np.where(ran, a_value, np.nan), np.where(ran, b_value, np.nan), ran)
