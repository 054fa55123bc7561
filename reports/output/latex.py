"""Leaderboards for a paper: ``table`` environments that compile whatever names a study uses.

They need the packages ``booktabs`` and ``graphicx``. Columns are the few that a paper shows; a
table that is still wider than the text is scaled down to it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from reports.analysis.leaderboard import Leaderboard
from reports.analysis.verdict import Claim
from reports.text.headline import headline
from reports.text.leaderboards import display, important

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
GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "λ": "lambda"} | {
    "μ": "mu",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "θ": "theta",
    "η": "eta",
    "Δ": "Delta",
}
ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING CEDILLA}": "c",
}


def as_latex(boards: Sequence[Leaderboard]) -> str:
    """One ``table`` environment each, with its headline as the caption."""
    return "\n".join([PREAMBLE, *(_environment(board) for board in boards)])


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is, in ASCII; a sign that it has not is named by its code."""
    return "".join(_character(character) for character in text)


def _environment(board: Leaderboard) -> str:
    cells = display(board)
    cells = cells[important(cells)].assign(verdict=[str(v.claim) for v in board.table["verdict"]])
    columns = "".join("l" if name in TEXTUAL else "r" for name in cells)
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{escaped(headline(board))}}}",
            # scaled where it is wider than the text, never where it is not
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _row(cells.columns),
            r"\midrule",
            *(_row(row) for row in cells.itertuples(index=False, name=None)),
            r"\bottomrule",
            r"\end{tabular}}",
            *_reasons(board),
            r"\end{table}",
            "",
        ]
    )


def _reasons(board: Leaderboard) -> list[str]:
    """Why verdicts are withheld, each reason once; the cells say only that they are."""
    verdicts = [verdict for verdict in board.table["verdict"] if verdict.claim is Claim.WITHHELD]
    reasons = dict.fromkeys(verdict.reason for verdict in verdicts)
    if not reasons:
        return []
    said = escaped(f"Withheld: {'; '.join(reasons)}.")
    return [rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {said}}}"]


def _row(cells: Iterable[object]) -> str:
    return " & ".join(escaped(str(cell)) for cell in cells) + r" \\"


def _character(character: str) -> str:
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
