"""Tables as CSV that a spreadsheet can open: no text from a study is taken for a formula."""

from __future__ import annotations

from typing import Any

import pandas as pd

FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # Excel takes full-width signs, too
"""Characters by which a spreadsheet tells a formula, after OWASP's page on CSV injection."""


def format_csv_table(table: pd.DataFrame) -> str:
    """Format a table. An apostrophe stands before texts that begin as a formula; numbers stay."""
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    safe = table.assign(**{str(name): table[name].map(_neutralise) for name in texts})
    safe.columns = [_neutralise(name) for name in safe.columns]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _neutralise(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", "\\r")  # alone it ends a line of CSV, and what follows begins a cell
    return f"'{text}" if cell.startswith(FORMULA) else text
