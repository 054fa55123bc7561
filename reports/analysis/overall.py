"""One row an entrant over all settings, with one denominator: all settings of the report.

Only an entrant that counts under each of them (``grid.counts``) has aggregates and a rank; another
is shown with its number of tasks and its verdicts. Ranks are by ``value``: it is made of the
protocol's headline, the final value at the full horizon; it needs no target; and against the fixed
reference it does not move when a third entrant comes or goes. Intervals are bootstrapped over seeds
within tasks: they speak of these tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reports.analysis.grid import Grid
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.profiles import PerformanceProfile
from reports.analysis.scores import improvement, speed, value
from reports.analysis.stability import measure_stability
from reports.analysis.verdict import Claim
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.ranks import ranks

COUNTS = {
    Claim.BETTER: "better",
    Claim.UNCLEAR: "unclear",
    Claim.WORSE: "worse",
    Claim.WITHHELD: "withheld",
    Claim.NOT_TESTED: "not_tested",
    Claim.REFERENCE: "reference",
}
COLUMNS = [
    *["entrant", "optimizer", "row", "tasks", "of", "complete", "rank", *COUNTS.values()],
    *["finished", "trials"],
    *["improvement", "improvement_low", "improvement_high"],
    *["value", "value_low", "value_high", "value_tasks"],
    *["speed", "speed_low", "speed_high", "speed_tasks"],
    *["profile_area", "profile_area_low", "profile_area_high"],
    *["profile_rank", "rank_low", "rank_high", "entrant_id"],
]


def summarize(
    grid: Grid, boards: Sequence[Leaderboard], profile: PerformanceProfile
) -> pd.DataFrame:
    """Summarize each entrant: the reference first, then by rank, incomplete entrants last.

    Returns:
        Columns: entrant, optimizer, row (``Kind`` of its arms, where they differ the least
        prepared), tasks (settings where it counts), of (all), complete, rank (NaN: incomplete or
        no reference); verdicts on its arms: better, unclear (no difference shown), worse,
        withheld, not_tested, reference; finished and trials (of its arms); then each with _low
        and _high improvement (probability of being better than the reference), value and speed
        (log2, IQM over value_tasks and speed_tasks; ``reports.analysis.scores``), profile_area;
        rank by that area, profile_rank, and its least and greatest, rank_low and rank_high, when
        any one other entrant is left out; entrant_id.
    """
    if not grid.entrants:  # still being tuned
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame([_row(entrant, grid, boards, profile) for entrant in grid.entrants])
    table["rank"] = ranks(table["value"])
    table = table.join(_profile_ranks(profile), on="entrant_id")
    first = table["reference"] > 0
    keys = table.assign(_first=~first).sort_values(
        ["_first", "rank", "entrant"], na_position="last", ignore_index=True
    )
    return keys[COLUMNS]


def _row(
    entrant: str, grid: Grid, boards: Sequence[Leaderboard], profile: PerformanceProfile
) -> dict[str, object]:
    arms = list(grid.arms_of(entrant))
    complete = entrant in grid.complete
    aggregates: dict[str, Interval] = dict.fromkeys(
        ("improvement", "value", "speed", "profile_area"), UNKNOWN
    )
    tasks = {"value": 0, "speed": 0}
    if complete and len(grid.anchors) == len(grid.settings):
        aggregates["improvement"] = improvement(grid, entrant)
        aggregates["value"], tasks["value"] = value(grid, entrant)
        aggregates["speed"], tasks["speed"] = speed(grid, entrant)
    aggregates["profile_area"] = profile.areas.get(entrant, UNKNOWN)
    # a default beside a tuned row is not counted
    claims = [row.verdict.claim for board in boards for row in board.rows if row.arm in arms]
    return {
        "entrant_id": entrant,
        "entrant": grid.entrants[entrant],
        "optimizer": arms[0].optimizer,
        "row": grid.kind(entrant),
        "tasks": sum(grid.counts(entrant, at) for at in grid.settings),
        "of": len(grid.settings),
        "complete": complete,
        **{name: claims.count(claim) for claim, name in COUNTS.items()},
        "finished": sum(arm.finished for arm in arms),
        "trials": sum(len(arm.trials) for arm in arms),
        **{key: one.estimate for key, one in aggregates.items()},
        **{f"{key}_low": one.low for key, one in aggregates.items()},
        **{f"{key}_high": one.high for key, one in aggregates.items()},
        **{f"{key}_tasks": n for key, n in tasks.items()},
    }


def _profile_ranks(profile: PerformanceProfile) -> pd.DataFrame:
    """Rank by profile area: profile_rank, rank_low, rank_high by entrant."""
    areas = pd.Series({key: area.estimate for key, area in profile.areas.items()}, dtype=float)
    left_out = measure_stability(profile.entrants, profile.medians).groupby("entrant_id")
    without = left_out["rank_without"]
    return pd.DataFrame(
        {
            "profile_rank": pd.Series(ranks(areas), index=areas.index, dtype=float),
            "rank_low": without.min().reindex(areas.index),
            "rank_high": without.max().reindex(areas.index),
        }
    )
