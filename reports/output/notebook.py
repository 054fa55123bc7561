"""The public ``Study``: one that also draws its figures and shows itself in a notebook."""

from __future__ import annotations

from html import escape

import altair as alt

from reports.analysis import study
from reports.figures.registry import draw_figure
from reports.text.headline import write_headline
from reports.text.leaderboards import choose_columns, display


class Study(study.Study):
    """Trial records, the tables and verdicts that follow from them, and their figures.

    In a notebook it shows its headlines, then a table per comparison.
    """

    def figure(self, name: str) -> alt.ConcatChart:
        """Draw a figure of the report, by its name in ``reports.figures.registry.FIGURES``.

        Raises:
            RefusedInput: there is no such figure, or nothing to show in it.
        """
        return draw_figure(self, name)

    def _repr_html_(self) -> str:
        """Return a fragment without style, script or address; text from the store is escaped."""
        parts = [f"<h3>{escape(self.name)}</h3>"]
        parts += [f"<p>{escape(note)}</p>" for note in self.joined]
        if not self.leaderboards:
            parts.append("<p>No trial is reported yet.</p>")
        for board in self.leaderboards:
            cells = display(board)
            table = cells[choose_columns(cells)].to_html(index=False, escape=True, border=0)
            parts += [f"<p><b>{escape(write_headline(board))}</b></p>", str(table)]
        return "\n".join(parts)
