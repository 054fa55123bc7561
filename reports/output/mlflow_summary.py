"""Contents of a study's summary run in MLflow: the answer in words, counts, leaderboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, TypedDict

import pandas as pd

from bench.spec import ENDS
from reports.analysis.study import Study
from reports.text.answer import count_claims, write_answer, write_sentences
from reports.text.leaderboards import display

LONGEST = 6000
"""Most characters of the note's sentences: MLflow cuts a tag off at 8000."""


class Summary(TypedDict):
    """Plain data for ``bench.tracking.summarize``."""

    note: str
    metrics: Mapping[str, float]
    tables: Mapping[str, Mapping[str, Sequence[Any]]]


def summarize_study(study: Study) -> Summary:
    """Summarize one whole study."""
    statuses = study.trials["status"].value_counts()
    verdicts = {word: n for word, n in count_claims(study).items() if not word.startswith("trials")}
    sentences = _shorten([one.text for one in write_sentences(study)])
    return {
        "note": "\n".join([write_answer(study), "", *sentences]),
        "metrics": {
            **{f"trials/{status}": float(statuses.get(status, 0)) for status in ENDS},
            **{f"verdicts/{word.replace(' ', '_')}": float(n) for word, n in verdicts.items()},
        },
        "tables": {"leaderboard": _join_leaderboards(study)},
    }


def _shorten(sentences: Sequence[str]) -> list[str]:
    """List as many sentences as a note can hold, and count the rest."""
    ends = accumulate(len(text) for text in sentences)
    shown = [f"- {text}" for text, end in zip(sentences, ends, strict=True) if end <= LONGEST]
    left = len(sentences) - len(shown)
    return [*shown, *([f"- … and {left} more in the report"] if left else [])]


def _join_leaderboards(study: Study) -> dict[str, list[str]]:
    """Join the rows of all tables; columns lose the metric's name, which differs by task."""
    tables = []
    for board in study.leaderboards:
        cells = display(board)
        cells.columns = cells.columns.str.replace(f"/{board.metric}", "", regex=False)
        cells.insert(0, "task", board.comparison)
        tables.append(cells.assign(metric=board.metric))
    if not tables:
        return {}
    joined = pd.concat(tables, ignore_index=True).fillna("")
    return {str(name): joined[name].tolist() for name in joined}
