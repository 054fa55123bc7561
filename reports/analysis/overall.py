"""One row an entrant over all comparisons, with one denominator: all comparisons of the report.

Only an entrant that counts in each of them (``grid.counts``) has aggregates and a rank; another is
shown with its number of comparisons and its verdicts. Ranks are by ``value``: it is made of what
the protocol's headline is, the final value at the full horizon; it needs no target; and against
the fixed reference it does not move when a third entrant comes or goes. Intervals are bootstrapped
over seeds within tasks: they speak of these tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.spec import Status
from reports.analysis.grid import Grid
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.profiles import Race
from reports.analysis.scores import improvement, speed, value
from reports.analysis.stability import stability
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
    *["profile_rank", "rank_low", "rank_high"],
]


def overall(grid: Grid, boards: Sequence[Leaderboard], race: Race) -> pd.DataFrame:
    """The reference first, then by rank, incomplete entrants last.

    Returns:
        Columns: entrant, optimizer, row (``sides.Kind`` of its sides, where they differ the least
        prepared), tasks (comparisons where it counts), of (all), complete, rank (NaN: incomplete
        or no reference); verdicts on its sides: better, unclear (no difference shown), worse,
        withheld, not_tested, reference; finished and trials (of its sides); then each with _low
        and _high improvement (probability of being better than the reference), value and speed
        (log2, IQM over value_tasks and speed_tasks; ``reports.analysis.scores``), profile_area; rank by
        that area, profile_rank, and its least and greatest, rank_low and rank_high, when any one
        other entrant is left out.
    """
    if not grid.entrants:  # still being tuned
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame([_row(name, grid, boards, race) for name in grid.entrants])
    table["rank"] = ranks(table["value"])
    table = table.join(_profile_ranks(race), on="entrant")
    first = table["reference"] > 0
    keys = table.assign(_first=~first).sort_values(
        ["_first", "rank", "entrant"], na_position="last", ignore_index=True
    )
    return keys[COLUMNS]


def _row(name: str, grid: Grid, boards: Sequence[Leaderboard], race: Race) -> dict[str, object]:
    own = {at: grid.sides[name, at] for at in grid.comparisons if (name, at) in grid.sides}
    complete = name in grid.complete
    aggregates: dict[str, Interval] = dict.fromkeys(
        ("improvement", "value", "speed", "profile_area"), UNKNOWN
    )
    tasks = {"value": 0, "speed": 0}
    if complete and len(grid.anchors) == len(grid.comparisons):
        aggregates["improvement"] = improvement(grid, name)
        aggregates["value"], tasks["value"] = value(grid, name)
        aggregates["speed"], tasks["speed"] = speed(grid, name)
    if name in race.entrants:
        aggregates["profile_area"] = race.area(name)
    trials = pd.concat([side.trials for side in own.values()])
    return {
        "entrant": name,
        "optimizer": next(iter(own.values())).optimizer,
        "row": grid.kind(name),
        "tasks": sum(grid.counts(name, at) for at in grid.comparisons),
        "of": len(grid.comparisons),
        "complete": complete,
        **_verdicts(name, grid, boards),
        "finished": int((trials["status"] == Status.FINISHED).sum()),
        "trials": len(trials),
        **{key: one.estimate for key, one in aggregates.items()},
        **{f"{key}_low": one.low for key, one in aggregates.items()},
        **{f"{key}_high": one.high for key, one in aggregates.items()},
        **{f"{key}_tasks": n for key, n in tasks.items()},
    }


def _verdicts(name: str, grid: Grid, boards: Sequence[Leaderboard]) -> dict[str, int]:
    """Of the rows of its sides; a default beside a tuned row is not counted."""
    counts = dict.fromkeys(COUNTS.values(), 0)
    for board in boards:
        if (name, board.comparison) in grid.sides:
            kind = grid.sides[name, board.comparison].kind
            at = (board.rows["entrant"] == name) & (board.rows["row"] == kind)
            counts[COUNTS[board.rows.loc[at, "verdict"].iloc[0].claim]] += 1
    return counts


def _profile_ranks(race: Race) -> pd.DataFrame:
    """By entrant: profile_rank, rank_low, rank_high."""
    areas = pd.Series({name: race.area(name).estimate for name in race.entrants}, dtype=float)
    left_out = stability(race.entrants, race.medians).groupby("entrant")["rank_without"]
    full = pd.Series(ranks(areas), index=areas.index, dtype=float)
    return pd.DataFrame(
        {
            "profile_rank": full,
            "rank_low": left_out.min().reindex(full.index),
            "rank_high": left_out.max().reindex(full.index),
        }
    )
