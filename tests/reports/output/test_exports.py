"""Tables as files: Parquet and JSON say what the study says, LaTeX compiles whatever the names."""

import json
import math
import re
import shutil
import subprocess

import pandas as pd
import pytest

from reports.analysis.study import Study
from reports.output.exports import unify_types, write_tables
from reports.output.latex import escape, format_latex
from tests.helpers.studies import reports

PDFLATEX = shutil.which("pdflatex")
GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]
HOSTILE = r"my_opt&50%#{a}$x^2$~\end{table}|<b>é∞−×±ρ优…"


@pytest.fixture(scope="module")
def directory(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    write_tables(Study.of(study), path)
    return path


def test_parquet_is_the_study(study, directory):
    loaded = Study.of(study)
    trials, curves = (pd.read_parquet(directory / f"{n}.parquet") for n in ("trials", "curves"))
    pd.testing.assert_frame_equal(trials, unify_types(loaded.trials), check_dtype=False)
    pd.testing.assert_frame_equal(curves, loaded.curves)
    assert curves.loc[curves["metric"] == "train/loss", "value"].isna().sum() == 1  # as measured


def test_a_column_of_several_types_is_text():
    mixed = pd.DataFrame({"a": [True, 0.5, math.nan], "b": [True, math.nan, False]}, dtype=object)
    assert unify_types(mixed)["a"].tolist()[:2] == ["True", "0.5"]
    assert unify_types(mixed)["a"].isna().tolist() == [False, False, True]
    assert unify_types(mixed)["b"].tolist()[::2] == [True, False]


def test_json_holds_every_number_of_the_leaderboards(study, directory):
    def refuse(constant):
        raise AssertionError(constant)

    def plain(value):
        return None if math.isnan(value) else str(value) if math.isinf(value) else value

    text = (directory / "leaderboard.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    boards = Study.of(study).leaderboards
    assert [one["comparison"] for one in found] == [board.comparison for board in boards]
    for one, board in zip(found, boards, strict=True):
        assert one["notes"] == list(map(str, board.notes))
        for name in ("test_mean", "p_holm", "steps_to_target", "n", "shift_low", "improvement"):
            wanted = [plain(value) for value in board.table[name]]
            assert [row[name] for row in one["rows"]] == wanted
    assert {row["verdict"] for row in found[0]["rows"]} == {"reference", "no verdict"}


def test_a_number_that_is_not_finite_is_text_in_json(record, tmp_path):
    write_tables(Study.of([record(steps_to_target=None)]), tmp_path)
    (one,) = json.loads((tmp_path / "leaderboard.json").read_text())
    assert one["rows"][0]["steps_to_target"] == "inf"
    assert one["rows"][0]["test_low"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a_b & 5%", r"a\_b \& 5\%"),
        ("−0.1 ± ∞ × ρ", r"$-$0.1 $\pm$ $\infty$ $\times$ $\rho$"),
        ("\\{~^", r"\textbackslash{}\{\textasciitilde{}\textasciicircum{}"),
        ("Müller é", r"M\"{u}ller \'{e}"),
        ("优", r"\texttt{U+4F18}"),
        ("a\nb\tc", "a b c"),
    ],
)
def test_escape(text, said):
    assert escape(text) == said
    assert escape(text).isascii()


def test_latex_has_few_columns_and_reasons_below(study):
    text = format_latex(Study.of(study).leaderboards)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows} == {6}  # seven columns
    assert "No verdict: " in text
    assert text.isascii()


@pytest.mark.skipif(PDFLATEX is None, reason="needs pdflatex (Debian's texlive-latex-base)")
def test_latex_compiles_and_fits(study, tmp_path):
    many = [one for i in range(12) for one in reports(f"{HOSTILE} {i}", GOOD)]
    boards = Study.of([*reports("adam", GOOD), *many]).leaderboards + Study.of(study).leaderboards
    lines = [
        r"\documentclass{article}",
        r"\usepackage{booktabs,graphicx}",
        r"\begin{document}",
        format_latex(boards),
        r"\end{document}",
    ]
    (tmp_path / "paper.tex").write_text("\n".join(lines))
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert not re.findall(r"Overfull \\hbox.*|.*Missing character.*|LaTeX Warning: Ref.*", log)
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
