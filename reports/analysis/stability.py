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


def stability(
    entrants: Sequence[str],
    times: NDArray[np.float64],
    tau: NDArray[np.float64] = profile.TAU,
) -> pd.DataFrame:
    """Ranks with everybody and without each entrant in turn.

    Args:
        times: to the target, shape ``(E, T)``; ∞ for a miss.
        tau: where the profiles are read off.

    Returns:
        Columns: left_out, entrant, rank (among those that remain, as they stand when everybody is
        entered), rank_without (as they stand then).
    """

    def score(some: NDArray[np.float64]) -> NDArray[np.float64]:
        return profile.score(some, tau)

    if len(entrants) < 2:  # alone there is no order
        return pd.DataFrame(columns=COLUMNS)
    scores, without = score(times), leave_one_out(times, score)
    rows: list[tuple[str, str, float, float]] = []
    for out, name in enumerate(entrants):
        others = np.arange(len(entrants)) != out
        pairs = zip(ranks(scores[others]), without[out, others], strict=True)
        names = [other for other in entrants if other != name]
        rows += [(name, other, *pair) for other, pair in zip(names, pairs, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def sentences(table: pd.DataFrame) -> list[str]:
    """What to say of ``stability``.

    One sentence an entrant whose leaving makes others change places, naming the foremost two; or
    one that all ranks hold; none without entrants to leave out.
    """
    said = []
    for name, own in table.groupby("left_out", sort=False):
        swapped = swaps(own["rank"], own["rank_without"])
        if not swapped:
            continue
        ranked = own["rank"].to_numpy()
        i, j = min(swapped, key=lambda pair: (ranked[pair[0]], ranked[pair[1]]))
        before, behind = own["entrant"].iloc[i], own["entrant"].iloc[j]
        more = f" ({len(swapped)} pairs change places in all)" if len(swapped) > 1 else ""
        said.append(
            f"without {name}, {behind} (rank {ranked[j]:.0f}) passes {before} (rank "
            f"{ranked[i]:.0f}){more}: ranks by profile area depend on who is entered."
        )
    if len(table) and not said:
        return ["ranks by profile area hold whichever one entrant is left out."]
    return said
