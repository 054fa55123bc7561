"""Study in the terminal, after a sweep or a report: the answer, then a table per comparison.

Respects NO_COLOR and pipes. Fits 80 columns; a wide terminal shows all.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.analysis.caveats import Caveat
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.text.answer import write_answer, write_sentences
from reports.text.leaderboards import display
from reports.text.settings import Chosen, list_choices

STYLES = {
    Claim.BETTER: "green",
    Claim.WORSE: "red",
    Claim.UNCLEAR: "dim",
    Claim.NO_VERDICT: "dim",
    Claim.NOT_ASKED: "dim",
    Claim.REFERENCE: "bold",
}
LEFT = ("optimizer", "row", "point", "statuses", "compared with", "verdict", "marks")
# shown first where the terminal is too narrow for all; prefixes, as names carry the metric
PRIORITY = [
    *["optimizer", "row", "n", "test/", "verdict", "minus", "level", "ahead of", "tuning"],
    *["steps", "marks", "point", "statuses", "step "],
]
GAP = 2  # characters between columns
WIDEST = 36  # longer cells fold inside their column
NARROW, NARROW_WIDEST = 120, 14  # below so many columns cells fold sooner


def print_study(study: Study, console: Console | None = None) -> None:
    """Print the answer in words, every leaderboard, and the settings that were chosen.

    If not all columns fit, the less important ones are left out and counted; no number is cut.
    """
    console = console or Console()
    console.print()
    console.print(Text(write_answer(study), style="bold"))
    for sentence in write_sentences(study):
        console.print(Text(f"· {sentence.text}", style=STYLES.get(sentence.claim, "")))
    for board in study.leaderboards:
        _print_board(board, console)
    _print_choices(list_choices(study), console)


def _print_choices(choices: Sequence[Chosen], console: Console) -> None:
    """Print a line for each tuned optimizer on each task; nothing where nothing was tuned."""
    if not choices:
        return
    console.print()
    console.print(Text("Settings to use (the page has them as YAML)", style="bold"))
    for one in choices:
        console.print(Text(f"· {one.entrant} on {one.comparison}: {one.summary}"))


def _print_board(board: Leaderboard, console: Console) -> None:
    cells, claims = display(board), [row.verdict.claim for row in board.rows]
    if console.width < NARROW:  # the sentences above have the reasons
        cells["verdict"] = [str(claim) for claim in claims]
    names = cells.columns.astype(str)
    widths = {name: _measure_column(cells, name, console.width) for name in names}
    shown = _choose_columns(widths, console.width)
    console.print()
    target = "" if board.target != board.target else f", target {board.target}"
    console.print(
        Text(f"{board.comparison}: {board.direction} {board.metric}{target}", style="bold"),
        Text(f" ({board.budget_steps} steps)", style="dim"),
        sep="",
    )
    console.print(_build_table(cells[shown], claims, widths))
    marks = tuple(f"{mark}: " for mark in Caveat)
    notes = [note for note in board.notes if "marks" in shown or not note.startswith(marks)]
    if left_out := len(widths) - len(shown):
        notes.append(f"{left_out} more columns on a wider terminal and in the report.")
    for note in notes:
        console.print(Text(f"· {note}", style="dim"))


def _choose_columns(widths: dict[str, int], width: int) -> list[str]:
    """Choose the most important columns that fit into ``width`` characters, in table order."""
    ranked = [name for prefix in PRIORITY for name in widths if name.startswith(prefix)]
    ranked += [name for name in widths if name not in ranked]
    chosen: set[str] = set()
    for name in ranked:
        needed = sum(widths[other] + GAP for other in (*chosen, name)) - GAP
        if needed > width and chosen:
            break
        chosen.add(name)
    return [name for name in widths if name in chosen]


def _measure_column(cells: pd.DataFrame, name: str, console_width: int) -> int:
    """Measure the longest cell and the longest word of the heading, which may wrap.

    Text may fold, a name or a number may not.
    """
    longest = max(len(cell) for cell in cells[name])
    if name in LEFT and name != "optimizer":
        longest = min(longest, WIDEST if console_width >= NARROW else NARROW_WIDEST)
    return max(longest, *(len(word) for word in name.split()))


def _build_table(cells: pd.DataFrame, claims: Sequence[Claim], widths: dict[str, int]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, GAP, 0, 0), pad_edge=False)
    for name in cells.columns.astype(str):
        table.add_column(name, overflow="fold", width=widths[name])
        if name not in LEFT:
            table.columns[-1].justify = "right"
    for row, claim in zip(cells.to_dict("records"), claims, strict=True):
        # Text, not str: rich would read "[0.968, 0.976]" as markup
        styled = {"verdict": STYLES.get(claim, "")}
        table.add_row(*(Text(cell, style=styled.get(str(name), "")) for name, cell in row.items()))
    return table
