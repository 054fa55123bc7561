"""The looks of a study, and what each spends of the error rate.

A study that is enlarged until it shows something would show too much. So its first look is judged
at 4 %, the next one at 0.5 %, then 0.25 %, and so on: all of them together err in at most 5 % of
studies (Bonferroni's inequality; spending of this kind is Pocock 1977's, Lan and DeMets 1983's).
A look is spent once everything that was declared has ended, as verdicts are shown only then. What
an earlier look showed stands, and is found again from the first results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TOTAL = 0.05
"""Chance of any false claim of a study at any look."""
FIRST = 0.04
"""What the first look has of it; the others halve what is left."""


class Ended(NamedTuple):
    """When a result came, and under which plan.

    Attributes:
        generation: number of the command, see ``bench.spec.result``.
        planned: results that the plan declared then, of this optimizer in this row; 0 where
            nothing declares them.
    """

    generation: int
    planned: int


def spend(look: int) -> float:
    """Return the error rate of a look; the first is 0."""
    return FIRST if look == 0 else (TOTAL - FIRST) / 2**look


def format_rate(rate: float) -> str:
    """Format ``0.5 %``."""
    return f"{100 * rate:.3g} %"


def list_looks(arms: Sequence[Sequence[Ended]], least: int = 1) -> list[tuple[int, ...]]:
    """List the looks that were spent on a comparison: how many results each arm had.

    Args:
        arms: what is compared, each with its results in order.
        least: results of each arm below which there is no verdict, so that nothing is spent.
    """
    looks: list[tuple[int, ...]] = []
    for generation in sorted({one.generation for arm in arms for one in arm}):
        sizes = tuple(_count_complete(arm, generation) for arm in arms)
        if min(sizes) >= max(1, least) and sizes not in looks:
            looks.append(sizes)
    return looks


def _count_complete(arm: Sequence[Ended], generation: int) -> int:
    """Count an arm's results after a command; 0 where some that were declared were missing."""
    then = [one for one in arm if one.generation <= generation]
    declared = max((one.planned or len(arm) for one in then), default=0)
    return len(then) if len(then) >= declared else 0
