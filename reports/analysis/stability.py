"""The stability of ranks by profile area: what becomes of them when any one entrant leaves.

An entrant that is fastest somewhere sets the scale for everybody there, so ranks may change.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.stats import profile
from reports.stats.ranks import find_swaps, leave_one_out, ranks

COLUMNS = ["left_out_id", "left_out", "entrant_id", "entrant", "rank", "rank_without"]


def measure_stability(
    entrants: Mapping[str, str],
    times: NDArray[np.float64],
    tau: NDArray[np.float64] = profile.TAU,
) -> pd.DataFrame:
    """Rank with everybody and without each entrant in turn.

    Args:
        entrants: ids and labels.
        times: to the target, shape ``(E, T)``; ∞ for a miss.
        tau: where the profiles are read off.

    Returns:
        Columns: left_out_id, left_out, entrant_id, entrant, rank (among those that remain, when
        everybody is entered), rank_without (when one is left out).
    """

    def score(some: NDArray[np.float64]) -> NDArray[np.float64]:
        return profile.score(some, tau)

    if len(entrants) < 2:  # alone there is no order
        return pd.DataFrame(columns=COLUMNS)
    scores, without = score(times), leave_one_out(times, score)
    rows: list[tuple[str, str, str, str, float, float]] = []
    for out, left_out in enumerate(entrants.items()):
        others = np.arange(len(entrants)) != out
        pairs = zip(ranks(scores[others]), without[out, others], strict=True)
        remaining = [other for other in entrants.items() if other != left_out]
        rows += [(*left_out, *one, *pair) for one, pair in zip(remaining, pairs, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def describe_stability(table: pd.DataFrame) -> list[str]:
    """Describe ``measure_stability`` in sentences.

    One sentence an entrant whose leaving makes others change places, naming the foremost two; or
    one that all ranks hold; none without entrants to leave out.
    """
    sentences = []
    for _, own in table.groupby("left_out_id", sort=False):
        swaps = find_swaps(own["rank"], own["rank_without"])
        if not swaps:
            continue
        full = own["rank"].to_numpy()
        i, j = min(swaps, key=lambda pair: (full[pair[0]], full[pair[1]]))
        before, behind = own["entrant"].iloc[i], own["entrant"].iloc[j]
        more = f" ({len(swaps)} pairs change places in all)" if len(swaps) > 1 else ""
        sentences.append(
            f"without {own['left_out'].iloc[0]}, {behind} (rank {full[j]:.0f}) passes {before} "
            f"(rank {full[i]:.0f}){more}: ranks by profile area depend on who is entered."
        )
    if len(table) and not sentences:
        return ["ranks by profile area hold whichever one entrant is left out."]
    return sentences
