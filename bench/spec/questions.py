"""The questions that a report asks of a study, which Holm's correction shares 5 % among.

A row of a leaderboard asks if an optimizer differs from the reference on one task, tuned or at its
default. A pair asks it of two entrants over all tasks that both ran; the pairs of the reference are
the overall verdicts. A pair with one task in common is the same question as its row.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from bench.spec.protocol import DRAW, MINIMUM_SEEDS, MINIMUM_TUNINGS


class Cell(NamedTuple):
    """One entrant under one setting, as far as it decides what is asked.

    Attributes:
        setting, entrant, optimizer: names; the reference is an optimizer.
        tunings: results at tuned settings; 0 where nothing is tuned.
        design: what two tunings need in common: settings a tuning, sampler, version of the design,
            settings that are tried again.
        seeds: results at the default.
        own: False for one of a baseline, about which a study beside it does not ask.
    """

    setting: str
    entrant: str
    optimizer: str
    tunings: int
    design: tuple[int, str, int, int]
    seeds: int
    own: bool = True


class Arm(NamedTuple):
    """A cell, tuned or at its default."""

    cell: Cell
    tuned: bool

    @property
    def results(self) -> int:
        return self.cell.tunings if self.tuned else self.cell.seeds


class Question(NamedTuple):
    """Pairs of arms, one pair a task: ours, and what it is compared with."""

    pairs: tuple[tuple[Arm, Arm], ...]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Numbers of results on each task, ours first."""
        return tuple((ours.results, theirs.results) for ours, theirs in self.pairs)

    def names(self, optimizer: str) -> bool:
        """Tell if one of the two sides is this optimizer."""
        return any(arm.cell.optimizer == optimizer for arm in self.pairs[0])


def list_questions(cells: Collection[Cell], reference: str) -> list[Question]:
    """List each question once; those that cannot have a verdict are not asked.

    Args:
        reference: the optimizer that others are compared with; empty for none.
    """
    asking = find_asking(((one.entrant, one.optimizer, one.own) for one in cells), reference)
    asked: dict[frozenset[Arm], Question] = {}
    for one in itertools.chain(_list_rows(cells, reference), _list_pairs(cells, reference)):
        is_asked = any(arm.cell.entrant in asking for arm in one.pairs[0])
        if is_asked and all(can_compare(*pair) for pair in one.pairs):
            asked.setdefault(frozenset(itertools.chain(*one.pairs)), one)
    return list(asked.values())


def can_compare(ours: Arm, theirs: Arm) -> bool:
    """Tell if two arms of one setting can have a verdict, should all of their trials have ended."""
    if ours.tuned != theirs.tuned:
        return False
    least = MINIMUM_TUNINGS if ours.tuned else MINIMUM_SEEDS
    alike = ours.cell.design == theirs.cell.design and ours.cell.design[2] >= DRAW
    return min(ours.results, theirs.results) >= least and (alike or not ours.tuned)


def find_asking(entrants: Iterable[tuple[str, str, bool]], reference: str) -> frozenset[str]:
    """Find the entrants that a report asks about: beside a baseline the study's own, else all.

    The reference is not among them where there are others: it is what they are compared with.

    Args:
        entrants: names, their optimizers, and whether they are the study's own.
    """
    known = set(entrants)
    own = [one for one in known if one[2]]
    if not own or len(own) == len(known):
        return frozenset(name for name, *_ in known)
    others = [one for one in own if one[1] != reference]
    return frozenset(name for name, *_ in others or own)


def _list_rows(cells: Iterable[Cell], reference: str) -> Iterator[Question]:
    """Yield the rows of all leaderboards but those of the reference itself."""
    for _, here in itertools.groupby(sorted(cells), key=lambda cell: cell.setting):
        arms = [arm for cell in here for arm in _list_arms(cell)]
        # of several schedules of the reference the best one stands, which is not known before
        against = {arm.tuned: arm for arm in reversed(arms) if arm.cell.optimizer == reference}
        for arm in arms:
            is_untuned = not arm.cell.tunings and arm.cell.optimizer != reference
            other = against.get(arm.tuned or (is_untuned and True in against))
            if other is not None and other is not arm:
                yield Question(((arm, other),))


def _list_pairs(cells: Iterable[Cell], reference: str) -> Iterator[Question]:
    """Yield every two entrants with a setting in common, the reference as the second."""
    shown: dict[str, dict[str, Arm]] = {}
    for cell in sorted(cells, key=lambda one: (one.optimizer != reference, one)):
        if arms := _list_arms(cell):
            shown.setdefault(cell.entrant, {})[cell.setting] = arms[0]
    for theirs, ours in itertools.combinations(shown.values(), 2):
        common = [setting for setting in ours if setting in theirs]
        if common:
            yield Question(tuple((ours[setting], theirs[setting]) for setting in common))


def _list_arms(cell: Cell) -> Sequence[Arm]:
    """List what a leaderboard shows of an entrant, tuned before default."""
    tuned = [Arm(cell, tuned=True)] if cell.tunings else []
    return [*tuned, *([Arm(cell, tuned=False)] if cell.seeds else [])]
