"""Whether ranks by the area of performance profiles stand when any one entrant leaves.

They need not: an entrant that is fastest somewhere sets the scale for everybody there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.stats import profile
from reports.stats.ranks import leave_one_out, ranks, swaps

COLUMNS = ["left_out", "entrant", "rank", "rank_without"]


def stability(entrants: Sequence[str], times: NDArray[np.float64]) -> pd.DataFrame:
    """Ranks with everybody and without each entrant in turn.

    Args:
        times: to the target, shape ``(E, T)``; ∞ for a miss.

    Returns:
        Columns: left_out, entrant, rank (among those that remain, as they stand when everybody is
        entered), rank_without (as they stand then).
    """
    scores, without = profile.score(times), leave_one_out(times, profile.score)
    rows: list[tuple[str, str, float, float]] = []
    for out, name in enumerate(entrants):
        others = np.arange(len(entrants)) != out
        pairs = zip(ranks(scores[others]), without[out, others], strict=True)
        names = [other for other in entrants if other != name]
        rows += [(name, other, *pair) for other, pair in zip(names, pairs, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def changes(table: pd.DataFrame) -> list[str]:
    """One sentence an entrant whose leaving makes others change places, of the foremost two."""
    said = []
    for name, own in table.groupby("left_out", sort=False):
        swapped = swaps(own["rank"], own["rank_without"])
        if not swapped:
            continue
        i, j = min(swapped, key=lambda pair: (own["rank"].iloc[pair[0]], own["rank"].iloc[pair[1]]))
        before, behind = own["entrant"].iloc[[i, j]]
        place, other = (int(own["rank"].iloc[at]) for at in (i, j))
        more = f" ({len(swapped)} pairs change places in all)" if len(swapped) > 1 else ""
        said.append(
            f"without {name}, {behind} (rank {other}) passes {before} (rank {place}){more}: ranks "
            "by profile area depend on who is entered."
        )
    return said
