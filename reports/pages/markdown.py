"""Parts that several pages share: a shipped study, its origin, and tables in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from bench.spec import TrialRecord
from reports import Study
from reports.analysis.leaderboard import Leaderboard
from reports.text.leaderboards import choose_columns, display


def load_shipped(name: str) -> Study:
    """Load a shipped baseline as a study."""
    return Study.load("", compare=[name])


def replace_section(page: str, title: str, section: str) -> str:
    """Replace a section of a page, from its title to the next one; without it, add it at the end.

    Args:
        title: ``## Limits``.
        section: the new one with its title.
    """
    known = re.compile(rf"^{re.escape(title)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    before, found, after = page, known.search(page), ""
    if found:
        before, after = page[: found.start()], page[found.end() :]
    parts = (before.rstrip(), section.strip(), after.strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def format_table(table: pd.DataFrame, *, index: bool = False) -> str:
    """Format a table of texts."""
    return str(table.to_markdown(index=index, disable_numparse=True))


def format_board(board: Leaderboard) -> str:
    """Format every row of a leaderboard, in the columns that a page has room for."""
    cells = display(board)
    return format_table(cells[choose_columns(cells)])


def describe_origin(records: Iterable[TrialRecord]) -> str:
    """Name versions and hardware of the trials, the most frequent of each first."""
    environments = [record.result.environment for record in records]
    names = ("device", "cores", "os", "python", "torch", "commit")
    counts = {name: Counter(one[name] for one in environments if name in one) for name in names}
    return ", ".join(
        f"{name} {' and '.join(one for one, _ in counts[name].most_common())}"
        for name in names
        if counts[name]
    )
