"""Marks on rows and notes under tables: what weakens a comparison is said where it is read.

A mark is one word in the row it concerns; ``MARKS`` says what it means. The protocol's rules behind
them are numbered in the project's design (equal budgets, separate seeds, at least five of them, …).
"""

from __future__ import annotations

import pandas as pd

from bench.spec import Status
from reports.table import family

MINIMUM_SEEDS = 5
MARKS = {
    "few seeds": f"fewer than {MINIMUM_SEEDS} finished seeds: intervals are wide and rest on the "
    "assumption of normal noise.",
    "same seeds": "the point was selected on the validation values of the seeds that are reported, "
    "so its numbers are optimistic; rerun it on new seeds.",
    "edge": "a hyperparameter of the selected point is the smallest or largest value tried: a "
    "better one may lie beyond.",
    "more gradients": "it takes more than one gradient a step: equal steps are not equal work.",
    "stacked": "trained at once with other trials: there is no time of its own to compare; "
    "hydra/launcher=basic measures one.",
    "incomplete": "some seeds did not finish; means and differences cover the finished ones only "
    "and flatter the optimizer.",
}


def marks(trials: pd.DataFrame, tried: pd.DataFrame, optimizer: str) -> str:
    """The marks of one optimizer's row, comma-separated.

    ``trials`` and ``tried`` (see ``selection.points``) are those of one comparison.
    """
    own = tried[tried["optimizer"] == optimizer]
    point = own[own["selected"]].iloc[0]
    mine = trials[(trials["optimizer"] == optimizer) & (trials["point"] == point["point"])]
    done = (1e3 * mine["train_time_s"] / mine["step_time_ms"]).round()  # steps
    holds = {
        "few seeds": point["n"] < MINIMUM_SEEDS,
        "same seeds": own["candidate"].sum() > 1,
        "edge": bool(edges(trials[trials["optimizer"] == optimizer], point["point"])),
        "more gradients": bool((mine["gradients"] > done).any()),
        "stacked": bool(mine["stack_size"].notna().any()),
        "incomplete": point["n"] < point["seeds"],
    }
    return ", ".join(mark for mark, applies in holds.items() if applies)


def edges(trials: pd.DataFrame, point: str) -> list[str]:
    """Hyperparameters at which ``point`` takes the smallest or largest of the values tried."""
    at_edge = []
    for name in family(trials, "hp."):
        switches = trials[name].map(lambda value: isinstance(value, bool))  # these have no range
        values = pd.to_numeric(trials[name].mask(switches), errors="coerce")
        chosen = values[trials["point"] == point]
        if values.nunique() > 1 and chosen.isin([values.min(), values.max()]).any():
            at_edge.append(name.removeprefix("hp."))
    return at_edge


def notes(trials: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Sentences under one leaderboard: unequal conditions, then the marks that occur in it."""
    said = [*_selected_by(trials), *_unequal_tuning(rows), *_mixed_environment(trials)]
    said += _stricter_than_intervals(rows)
    present = {mark for text in rows["marks"] for mark in text.split(", ")}
    said += [f"{mark}: {meaning}" for mark, meaning in MARKS.items() if mark in present]
    if "adam" not in set(rows["optimizer"]):
        said.insert(
            0, "adam did not run here, so there is no difference to it: add optimizer=adam."
        )
    return said


def _selected_by(trials: pd.DataFrame) -> list[str]:
    metric, finished = trials["metric"].iloc[0], trials["status"] == Status.FINISHED
    return [
        f"no finished trial measured {split}/{metric}."
        for split in ("val", "test")
        if finished.any()
        and (f"{split}/{metric}" not in trials or trials[f"{split}/{metric}"].isna().all())
    ]


def _unequal_tuning(rows: pd.DataFrame) -> list[str]:
    tried = rows["points_tried"]
    if tried.nunique() == 1:
        return []
    least, most = int(tried.min()), int(tried.max())
    return [
        f"unequal tuning: between {least} and {most} points were tried; more points find better "
        "ones."
    ]


def _stricter_than_intervals(rows: pd.DataFrame) -> list[str]:
    """Where a verdict and its row's own interval seem to disagree, why."""
    apart = (rows["diff_low"] > 0) | (rows["diff_high"] < 0)
    if not (apart & (rows["verdict"] == "no difference shown")).any():
        return []
    tests = int(rows["p_holm"].notna().sum())
    return [
        f"intervals hold for one row each; verdicts allow for {tests} comparisons with adam "
        "(Holm), so an interval without zero may still show no difference."
    ]


def _mixed_environment(trials: pd.DataFrame) -> list[str]:
    """Hardware and versions that vary inside one table: timings lose their meaning."""
    said = []
    for column in family(trials, "env."):
        values = sorted({str(value) for value in trials[column].dropna()})
        if len(values) > 1:
            shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
            said.append(
                f"mixed {column.removeprefix('env.')} ({shown}): timings are not comparable "
                "between rows, last digits may differ."
            )
    return said
