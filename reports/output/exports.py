"""Tables of a study as files: text for people, Parquet for programs.

``curves`` has a row per measured value, so it is Parquet only: a tenth of the bytes and of the
time of CSV.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from reports.output.latex import format_latex
from reports.text.leaderboards import format_csv, format_json, format_markdown

if TYPE_CHECKING:
    from reports.analysis.study import Study


def write_tables(study: Study, directory: Path) -> list[str]:
    """Write every table and return the names of the files.

    ``trials`` (CSV, Parquet), ``curves`` (Parquet), ``best_of_k``, ``overall``, ``pairs`` (CSV),
    ``costs`` (CSV, where they were measured), ``leaderboard`` (CSV, JSON, Markdown, LaTeX).
    """
    boards = study.leaderboards
    frames = {
        "trials": study.trials,
        "best_of_k": study.best_of_k,
        "overall": study.overall,
        "pairs": study.pairs,
    }
    if len(study.costs):
        frames["costs"] = study.costs
    texts = {f"{k}.csv": v.to_csv(index=False, lineterminator="\n") for k, v in frames.items()}
    texts |= {
        "leaderboard.csv": format_csv(boards),
        "leaderboard.json": format_json(boards),
        "leaderboard.md": format_markdown(boards),
        "leaderboard.tex": format_latex(boards),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")
    parquet_frames = {"trials.parquet": study.trials, "curves.parquet": study.curves}
    for name, frame in parquet_frames.items():
        unify_types(frame).to_parquet(directory / name, engine="pyarrow", index=False)
    return [*texts, *parquet_frames]


def unify_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn columns of several types into text, as Parquet needs one type per column.

    A hyperparameter may be a number for one optimizer and text for another.
    """
    mixed = {
        str(name): column.map(str, na_action="ignore")
        for name, column in frame.items()
        if column.dtype == object and column.dropna().map(type).nunique() > 1
    }
    return frame.assign(**mixed)
