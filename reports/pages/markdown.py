"""Parts that several pages share: a shipped study, its origin, and tables in Markdown."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from reports import Study
from reports.analysis.leaderboard import Leaderboard
from reports.text.leaderboards import choose_columns, display


def load_shipped(name: str) -> Study:
    """Load a shipped baseline as a study."""
    return Study.load("", compare=[name])


def format_table(table: pd.DataFrame, *, index: bool = False) -> str:
    """Format a table of texts."""
    return str(table.to_markdown(index=index, disable_numparse=True))


def format_board(board: Leaderboard) -> str:
    """Format every row of a leaderboard, in the columns that a page has room for."""
    cells = display(board)
    return format_table(cells[choose_columns(cells)])


def describe_origin(study: Study) -> str:
    """Name versions and hardware of the trials, the most frequent of each first."""
    environments = [record.result.environment for record in study.records]
    names = ("device", "cores", "os", "python", "torch", "commit")
    counts = {name: Counter(one[name] for one in environments if name in one) for name in names}
    return ", ".join(
        f"{name} {' and '.join(one for one, _ in counts[name].most_common())}"
        for name in names
        if counts[name]
    )
