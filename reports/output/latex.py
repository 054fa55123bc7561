"""Leaderboards for a paper: ``table`` environments that compile whatever names a study uses.

They need the packages ``booktabs`` and ``graphicx``. Columns are the few that a paper shows; a
table that is still wider than the text is scaled down to it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from reports.analysis.leaderboard import Leaderboard
from reports.analysis.verdict import Claim
from reports.text.headline import write_headline
from reports.text.leaderboards import choose_columns, display

PREAMBLE = r"% \usepackage{booktabs,graphicx}"
TEXTUAL = ("optimizer", "row", "verdict", "compared with")
"""Columns that are set flush left."""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "∞": r"$\infty$",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "√": r"$\surd$",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "’": "'",
    "µ": r"$\mu$",
    "\N{NO-BREAK SPACE}": "~",
    "\n": " ",
}
GREEK = dict(
    zip("αβγδελμ", ("alpha", "beta", "gamma", "delta", "epsilon", "lambda", "mu"), strict=True)
)
GREEK |= dict(zip("ρστθηΔ", ("rho", "sigma", "tau", "theta", "eta", "Delta"), strict=True))
ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING CEDILLA}": "c",
}


def format_latex(boards: Sequence[Leaderboard]) -> str:
    """Format one ``table`` environment per leaderboard, with its headline as the caption."""
    return "\n".join([PREAMBLE, *(_format_table(board) for board in boards)])


def escape(text: str) -> str:
    """Escape text as ASCII that LaTeX sets as it is; an unknown character becomes its code."""
    return "".join(_escape_character(character) for character in text)


def _format_table(board: Leaderboard) -> str:
    cells = display(board)
    claims = [str(row.verdict.claim) for row in board.rows]
    cells = cells[choose_columns(cells)].assign(verdict=claims)
    columns = "".join("l" if name in TEXTUAL else "r" for name in cells)
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{escape(write_headline(board))}}}",
            # scaled where it is wider than the text, never where it is not
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _format_row(cells.columns),
            r"\midrule",
            *(_format_row(row) for row in cells.itertuples(index=False, name=None)),
            r"\bottomrule",
            r"\end{tabular}}",
            *_list_reasons(board),
            r"\end{table}",
            "",
        ]
    )


def _list_reasons(board: Leaderboard) -> list[str]:
    """List the reasons for no verdict, each once; the cells only say that there is none."""
    verdicts = [row.verdict for row in board.rows if row.verdict.claim is Claim.NO_VERDICT]
    reasons = dict.fromkeys(verdict.reason for verdict in verdicts)
    if not reasons:
        return []
    text = escape(f"No verdict: {'; '.join(reasons)}.")
    return [rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {text}}}"]


def _format_row(cells: Iterable[object]) -> str:
    return " & ".join(escape(str(cell)) for cell in cells) + r" \\"


def _escape_character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in GREEK:
        return rf"$\{GREEK[character]}$"
    if character.isascii():
        return character if character.isprintable() else " "
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if letter.isascii() and letter.isalpha() and len(marks) == 1 and marks[0] in ACCENTS:
        return rf"\{ACCENTS[marks[0]]}{{{letter}}}"
    return rf"\texttt{{U+{ord(character):04X}}}"
