"""What a study's summary run says in MLflow: the answer in words, counts, the leaderboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pandas as pd

from bench.spec import Status
from reports.answer import answer, counts, sentences
from reports.formats import display
from reports.study import Study


class Summary(TypedDict):
    """Plain data for ``bench.tracking.summarize``."""

    note: str
    metrics: Mapping[str, float]
    tables: Mapping[str, Mapping[str, Sequence[Any]]]


def summary(study: Study) -> Summary:
    """Of one whole study."""
    said = [f"- {sentence.text}" for sentence in sentences(study)]
    statuses = study.trials["status"].value_counts()
    verdicts = {word: n for word, n in counts(study).items() if not word.startswith("trials")}
    return {
        "note": "\n".join([answer(study), "", *said]),
        "metrics": {
            **{f"trials/{status}": float(statuses.get(status, 0)) for status in Status},
            **{f"verdicts/{word.replace(' ', '_')}": float(n) for word, n in verdicts.items()},
        },
        "tables": {"leaderboard": _leaderboard(study)},
    }


def _leaderboard(study: Study) -> dict[str, list[str]]:
    """Every row of every table; columns without the metric's name, which differs by task."""
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
