"""Which hyperparameter point stands for an optimizer: chosen on validation, never on test.

Among the points of an optimizer on a task: those run on most seeds, of these the ones all of whose
trials finished, of these the best mean of the final *validation* metric. Diverged and failed trials
are counted: a point that sometimes breaks stands behind every point that does not.
"""

from __future__ import annotations

import pandas as pd

from bench.spec import Status

POINT = ["comparison", "optimizer", "point"]
_PREFERENCE = [Status.FINISHED, Status.DIVERGED, Status.FAILED, Status.SKIPPED]


def attempts(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per point and seed: where a failed trial was run again, the later outcome stands."""
    rank = trials["status"].map({str(status): i for i, status in enumerate(_PREFERENCE)})
    best = trials.assign(_rank=rank).sort_values([*POINT, "seed", "_rank", "run_id"])
    kept = best.drop_duplicates([*POINT, "seed"]).drop(columns="_rank")
    return kept.reset_index(drop=True)


def points(trials: pd.DataFrame) -> pd.DataFrame:
    """Every point tried, best first within its optimizer.

    Columns: comparison, optimizer, point, seeds (run), n (finished), statuses, val_mean (over
    finished trials), candidate (was compared with the selected one on the same footing), selected.
    """
    rows = [_point_row(group) for _, group in attempts(trials).groupby(POINT, sort=True)]
    ranked = pd.concat([_rank(group) for _, group in _by_optimizer(pd.DataFrame(rows))])
    return ranked.drop(columns=["has_test", "loss"]).reset_index(drop=True)


def selected(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that an optimizer's row reports: those at its selected point.

    A selection trial never touches the test split (protocol, rule 5); beside trials that did, it
    is not part of what is reported.
    """
    chosen = points(trials).query("selected")[POINT]
    rows = attempts(trials).merge(chosen, on=POINT)
    test = final(rows, "test")
    reported = test.groupby([rows["comparison"], rows["optimizer"]]).transform("count") > 0
    selection_trial = reported & test.isna() & (rows["status"] == Status.FINISHED)
    return rows[~selection_trial].reset_index(drop=True)


def final(trials: pd.DataFrame, split: str) -> pd.Series:
    """Each trial's final value of its task's target metric on ``split``; NaN unless finished."""
    values = pd.Series(float("nan"), index=trials.index)
    for metric in trials["metric"].unique():
        if f"{split}/{metric}" in trials:
            values = values.mask(trials["metric"] == metric, trials[f"{split}/{metric}"])
    return values


def status_counts(trials: pd.DataFrame) -> str:
    """``3 finished, 1 diverged``."""
    counts = trials["status"].value_counts()
    return ", ".join(f"{counts[str(s)]} {s}" for s in _PREFERENCE if str(s) in counts)


def _point_row(group: pd.DataFrame) -> dict[str, object]:
    first = group.iloc[0]
    value = float(final(group, "val").mean())
    return {
        **{name: first[name] for name in POINT},
        "seeds": len(group),
        "n": int((group["status"] == Status.FINISHED).sum()),
        "statuses": status_counts(group),
        "val_mean": value,
        "has_test": bool(final(group, "test").notna().any()),
        "loss": -value if first["direction"] == "maximize" else value,
    }


def _by_optimizer(rows: pd.DataFrame) -> pd.api.typing.DataFrameGroupBy:
    return rows.groupby(["comparison", "optimizer"], sort=True)


def _rank(group: pd.DataFrame) -> pd.DataFrame:
    """One optimizer's points, best first; those that saw the test split before all others."""
    tested = group["has_test"] | (not group["has_test"].any())
    fullest = tested & (group["seeds"] == group.loc[tested, "seeds"].max())
    complete = group["n"] == group["seeds"]
    keys = group.assign(_a=~fullest, _b=~complete).sort_values(
        ["_a", "_b", "loss", "point"], na_position="last"
    )
    position = pd.Series(range(len(keys)), index=keys.index)
    return keys.drop(columns=["_a", "_b"]).assign(candidate=fullest, selected=position == 0)
