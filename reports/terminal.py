"""Leaderboards in the terminal, printed after a sweep; respects NO_COLOR and pipes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.formats import display
from reports.leaderboard import Leaderboard
from reports.sentences import headline
from reports.verdict import Claim

STYLES = {
    Claim.BETTER: "green",
    Claim.WORSE: "red",
    Claim.UNCLEAR: "dim",
    Claim.WITHHELD: "dim",
    Claim.REFERENCE: "bold",
}
LEFT = ("optimizer", "row", "point", "statuses", "compared with", "verdict", "marks")
# what goes first where the terminal is too narrow for all; prefixes, as names carry the metric
PRIORITY = [
    *["optimizer", "row", "n", "test/", "verdict", "minus", "points", "point", "steps"],
    *["statuses", "step "],
]
GAP = 2  # characters between columns
WIDEST = 36  # longer cells fold inside their column
PIPE_WIDTH = 260  # a log file has no edge to respect


def print_leaderboards(boards: Sequence[Leaderboard], console: Console | None = None) -> None:
    """One table per comparison with its headline above and its notes below.

    On a narrow terminal the less important columns are left out, by name; no number is cut.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, PIPE_WIDTH), no_color=True)
    for board in boards:
        cells = display(board)
        shown = _fitting(cells, console.width)
        console.print()
        console.print(Text(headline(board), style="bold"))
        console.print(_table(cells[shown], [v.claim for v in board.rows["verdict"]]))
        notes = list(board.notes)
        if left_out := [name for name in cells if name not in shown]:
            notes.append(f"not shown here: {', '.join(map(str, left_out))}.")
        for note in notes:
            console.print(Text(f"· {note}", style="dim"))


def _fitting(cells: pd.DataFrame, width: int) -> list[str]:
    """Columns that fit into ``width`` characters, most important first chosen, in table order."""
    names = [str(name) for name in cells]
    ranked = [name for prefix in PRIORITY for name in names if name.startswith(prefix)]
    ranked += [name for name in names if name not in ranked]
    chosen: set[str] = set()
    for name in ranked:
        needed = sum(_width(cells, other) + GAP for other in (*chosen, name)) - GAP
        if needed > width and chosen:
            break
        chosen.add(name)
    return [name for name in names if name in chosen]


def _width(cells: pd.DataFrame, name: str) -> int:
    """Of the longest cell and of the longest word of the heading, which may wrap."""
    longest = max(len(cell) for cell in cells[name])
    return max(min(longest, WIDEST), *(len(word) for word in name.split()))


def _table(cells: pd.DataFrame, claims: Sequence[Claim]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, GAP, 0, 0), pad_edge=False)
    for name in cells.columns.astype(str):
        table.add_column(
            name,
            justify="left" if name in LEFT else "right",
            overflow="fold",
            width=_width(cells, name),
        )
    for row, claim in zip(cells.to_dict("records"), claims, strict=True):
        # Text, not str: rich would read "[0.968, 0.976]" as markup
        styled = {"verdict": STYLES.get(claim, "")}
        table.add_row(*(Text(cell, style=styled.get(str(name), "")) for name, cell in row.items()))
    return table
