"""The entrants of a report and its settings as one grid, with the arm that stands in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.analysis.arms import Arm, Kind

ORDER = {Kind.TUNED: 0, Kind.BEST: 1, Kind.DEFAULT: 2}


@dataclass(frozen=True, eq=False)
class Grid:
    """The material of aggregates over settings. Keys are ids.

    Attributes:
        settings: all of the report, by label: the one denominator of every aggregate.
        entrants: each id with its label; the reference's first, then by label.
        arms: by (entrant, setting): the tuned one, else the best tried, else the default.
        anchors: by setting: the reference's arm that is best on validation, which everybody is
            compared with. A setting in which the reference did not run has none.
    """

    settings: tuple[str, ...]
    entrants: Mapping[str, str]
    arms: Mapping[tuple[str, str], Arm]
    anchors: Mapping[str, Arm]

    @cached_property
    def complete(self) -> tuple[str, ...]:
        """Entrants that count under every setting: only they can be ranked."""
        return tuple(e for e in self.entrants if all(self.counts(e, s) for s in self.settings))

    def counts(self, entrant: str, setting: str) -> bool:
        """Tell if an entrant's arm can stand beside the reference's in an aggregate.

        It is of the same kind (a default does not stand for what others had tuned), all of its
        tunings are done, and of a default or a plain sweep there are as many results as of the
        reference.
        """
        arm, anchor = self.arms.get((entrant, setting)), self.anchors.get(setting)
        if arm is None or anchor is None:
            return arm is not None and len(arm.results) > 0
        tuned = arm.kind is Kind.TUNED
        least = arm.standing.planned if tuned else anchor.standing.results
        enough = len(arm.results) > 0 and arm.standing.results >= least
        return arm.kind is anchor.kind and enough

    def arms_of(self, entrant: str) -> Iterator[Arm]:
        """Yield the arms of one entrant in the order of the settings."""
        return (self.arms[entrant, at] for at in self.settings if (entrant, at) in self.arms)

    def kind(self, entrant: str) -> Kind:
        """Return the kind of its arms; where they differ the least prepared."""
        return max((arm.kind for arm in self.arms_of(entrant)), key=lambda kind: ORDER[kind])


def make_grid(arms: Sequence[Arm], reference: str) -> Grid:
    """Arrange all arms of a report.

    Args:
        reference: the optimizer that the others are compared with.
    """
    shown: dict[tuple[str, str], Arm] = {}
    for arm in sorted(arms, key=lambda arm: ORDER[arm.kind]):
        shown.setdefault((arm.entrant_id, arm.setting_id), arm)
    first = {arm.entrant_id for arm in arms if arm.optimizer == reference}
    entrants = {arm.entrant_id: arm.entrant for arm in arms}
    order = sorted(entrants, key=lambda entrant: (entrant not in first, entrants[entrant]))
    anchors: dict[str, Arm] = {}
    for arm in sorted(shown.values(), key=lambda a: (ORDER[a.kind], a.preference, a.entrant)):
        if arm.optimizer == reference:
            anchors.setdefault(arm.setting_id, arm)
    settings = {arm.setting_id: arm.comparison for arm in arms}
    return Grid(
        tuple(sorted(settings, key=settings.__getitem__)),
        {entrant: entrants[entrant] for entrant in order},
        shown,
        anchors,
    )
