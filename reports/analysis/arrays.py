"""A side's final values as arrays by repeat and seed, and two sides laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """One side on one split, R repeats and S seeds.

    Attributes:
        repeats, seeds: shapes ``(R,)`` and ``(S,)``, ascending.
        value: shape ``(R, S)``; NaN where a trial broke off or none ran.
        ran: whether there is a value, or a trial that broke off.
    """

    repeats: NDArray[np.int64]
    seeds: NDArray[np.int64]
    value: Floats
    ran: Flags

    @property
    def broken(self) -> Flags:
        return self.ran & np.isnan(self.value)

    @property
    def outcomes(self) -> Floats:
        """One value a trial that ran, shape ``(n,)``; NaN for one that broke off."""
        return self.value[self.ran]


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two sides on the repeats and seeds that both ran, shape ``(R, S)``.

    Attributes:
        ours, theirs: values; NaN where a trial broke off or there is no pair.
        ran: whether both ran.
    """

    ours: Floats
    theirs: Floats
    ran: Flags

    @property
    def pairs(self) -> int:
        """Seeds that both ran, broken ones included."""
        return int(self.ran.any(axis=0).sum())

    @property
    def broken(self) -> bool:
        """Whether a trial of a pair broke off."""
        return bool((self.ran & ~self._finished).any())

    @cached_property
    def finished(self) -> tuple[Floats, Floats]:
        """Of both sides the seeds that finished in every repeat, shape ``(R, n)``."""
        all_of_it = self._finished.all(axis=0)
        return self.ours[:, all_of_it], self.theirs[:, all_of_it]

    @cached_property
    def _finished(self) -> Flags:
        return ~(np.isnan(self.ours) | np.isnan(self.theirs))


def cells(
    repeat: NDArray[np.generic], seed: NDArray[np.generic], value: Floats, broken: Flags
) -> Cells:
    """From one entry a trial that was not skipped, shapes ``(n,)``; each cell at most once."""
    repeats, rows = np.unique(repeat.astype(np.int64), return_inverse=True)
    seeds, columns = np.unique(seed.astype(np.int64), return_inverse=True)
    values = np.full((len(repeats), len(seeds)), np.nan)
    ran = np.zeros(values.shape, dtype=bool)
    values[rows, columns] = np.where(broken, np.nan, value)
    ran[rows, columns] = broken | ~np.isnan(value)
    return Cells(repeats, seeds, values, ran)


def overlay(ours: Cells, theirs: Cells) -> Overlay:
    """Where both ran; repeats and seeds without any pair are left out."""
    alike = (ours.repeats, theirs.repeats), (ours.seeds, theirs.seeds)
    if all(np.array_equal(*two) for two in alike) and ours.ran.all() and theirs.ran.all():
        return Overlay(ours.value, theirs.value, ours.ran)
    _, ours_r, theirs_r = np.intersect1d(ours.repeats, theirs.repeats, return_indices=True)
    _, ours_s, theirs_s = np.intersect1d(ours.seeds, theirs.seeds, return_indices=True)
    a, b = np.ix_(ours_r, ours_s), np.ix_(theirs_r, theirs_s)
    ran = ours.ran[a] & theirs.ran[b]
    kept = np.ix_(ran.any(axis=1), ran.any(axis=0))
    ran = ran[kept]
    a_value, b_value = ours.value[a][kept], theirs.value[b][kept]
    return Overlay(np.where(ran, a_value, np.nan), np.where(ran, b_value, np.nan), ran)
