"""How a study shows itself in a notebook: the headline sentences, then a table a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reports.analysis.leaderboard import Leaderboard
from reports.text.headline import headline
from reports.text.leaderboards import display, important


def html(name: str, boards: Sequence[Leaderboard], joined: Sequence[str] = ()) -> str:
    """A fragment without style, script or address; everything from the store is escaped."""
    parts = [f"<h3>{escape(name)}</h3>", *(f"<p>{escape(note)}</p>" for note in joined)]
    if not boards:
        parts.append("<p>No trial is reported yet.</p>")
    for board in boards:
        parts += [f"<p><b>{escape(headline(board))}</b></p>", _table(board)]
    return "\n".join(parts)


def _table(board: Leaderboard) -> str:
    cells = display(board)
    return str(cells[important(cells)].to_html(index=False, escape=True, border=0))
