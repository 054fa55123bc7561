"""The looks at a comparison: its arms as far as they were when verdicts could be read."""

from __future__ import annotations

from collections.abc import Sequence

from bench.spec.looks import Ended, list_looks
from bench.spec.protocol import MINIMUM_SEEDS, MINIMUM_TUNINGS
from reports.analysis.arms import Arm, Kind


def find_looks(arms: Sequence[Arm]) -> list[tuple[int, ...]]:
    """List the looks: how many results each arm had at each; the last one has all of them.

    Commands are numbered within a study. Between studies, and beside a baseline, the results of the
    other study count as there from the beginning.

    Args:
        arms: of one comparison, all tuned or none.
    """
    least = MINIMUM_TUNINGS if arms[0].kind is Kind.TUNED else MINIMUM_SEEDS
    now = tuple(len(arm.results) for arm in arms)
    origins = dict.fromkeys(arm.origin for arm in arms)
    own = [one for one in origins if not one[0]]
    each = [list_looks([_view(arm, one) for arm in arms], least) for one in own or origins]
    looks = max(each, key=len)
    return looks if now in looks else [*looks, now]


def _view(arm: Arm, origin: tuple[str, str]) -> Sequence[Ended]:
    """Return when an arm's results came, as a study sees them."""
    return arm.ended if arm.origin == origin else [Ended(0, 0)] * len(arm.ended)
