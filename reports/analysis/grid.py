"""The entrants of a report and its comparisons as one grid: who stands where with which side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reports.analysis.arms import Kind, Side

ORDER = {Kind.TUNED: 0, Kind.BEST: 1, Kind.DEFAULT: 2}


@dataclass(frozen=True, eq=False)
class Grid:
    """What aggregates over comparisons are made of.

    Attributes:
        comparisons: all of the report, sorted: the one denominator of every aggregate.
        entrants: the reference's first, then by name.
        sides: by (entrant, comparison): the tuned one, else the best tried, else the default.
        anchors: by comparison, what everybody is held against: the reference's side that is best
            on validation. A comparison in which the reference did not run has none.
    """

    comparisons: tuple[str, ...]
    entrants: tuple[str, ...]
    sides: Mapping[tuple[str, str], Side]
    anchors: Mapping[str, Side]

    @cached_property
    def complete(self) -> tuple[str, ...]:
        """Entrants that count in every comparison: only they can be ranked."""
        return tuple(
            name for name in self.entrants if all(self.counts(name, c) for c in self.comparisons)
        )

    def counts(self, entrant: str, comparison: str) -> bool:
        """Whether an entrant's side can stand beside the reference's in an aggregate.

        It is of the same kind (a default does not stand for what others had tuned) and ran every
        seed that the reference ran; a trial that broke off ran.
        """
        side, anchor = self.sides.get((entrant, comparison)), self.anchors.get(comparison)
        if side is None or anchor is None:
            return side is not None and bool(side.test.ran.any())
        ours, theirs = (x.test.seeds[x.test.ran.all(axis=0)] for x in (side, anchor))
        return side.kind is anchor.kind and len(ours) > 0 and bool(np.isin(theirs, ours).all())

    def kind(self, entrant: str) -> Kind:
        """That of its sides; where they differ the least prepared."""
        kinds = {side.kind for (name, _), side in self.sides.items() if name == entrant}
        return max(kinds, key=lambda kind: ORDER[kind])


def grid(sides: Sequence[Side], reference: str) -> Grid:
    """Of all sides of a report.

    Args:
        reference: the optimizer that the others are compared with.
    """
    shown: dict[tuple[str, str], Side] = {}
    for side in sorted(sides, key=lambda side: ORDER[side.kind]):
        shown.setdefault((side.entrant, side.comparison), side)
    own = {side.entrant for side in sides if side.optimizer == reference}
    names = sorted({side.entrant for side in sides}, key=lambda name: (name not in own, name))
    anchors: dict[str, Side] = {}
    for side in sorted(shown.values(), key=lambda s: (ORDER[s.kind], s.preference, s.entrant)):
        if side.optimizer == reference:
            anchors.setdefault(side.comparison, side)
    comparisons = tuple(sorted({side.comparison for side in sides}))
    return Grid(comparisons, tuple(names), shown, anchors)
