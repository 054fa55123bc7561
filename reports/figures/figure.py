"""The form of every figure: numbers first, then a thin drawing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from reports.analysis.study import Study
from reports.figures.panel import Panel


class Figure(Protocol):
    """One figure of a report: a module with these five names.

    Attributes:
        TITLE: heading on the page.
        CAPTION: what is plotted, and what its marks and bands mean.
        EMPTY: the line that stands in its place where there is nothing to show.
    """

    TITLE: str
    CAPTION: str
    EMPTY: str

    def tabulate(self, study: Study) -> pd.DataFrame:
        """Compute the numbers; each figure documents its columns."""

    def plot(self, table: pd.DataFrame, colours: Mapping[str, str]) -> list[Panel]:
        """Draw the numbers of ``tabulate``; no panel where there is nothing to show.

        Args:
            colours: entrant → colour, in the report's order.
        """
