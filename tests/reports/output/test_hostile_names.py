"""Names that a spreadsheet, a browser, a terminal or the renderer of figures would obey."""

import csv
import io
import json
import math
import re
import subprocess
import sys

import pandas as pd
import pytest
from rich.console import Console

from reports import Study
from reports.data import baseline
from reports.figures import rendering
from reports.output.exports import write_tables
from reports.output.render import render
from reports.output.terminal import print_study
from reports.text.csv_table import format_csv_table
from tests.helpers.studies import reports

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "=cmd|' /C calc'!A0", "＝1")
SCRIPTS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)//",
    "<!--",
    '"><img src=x>',
    "]]>",
)
CONTROLS = ("\x00", "\x1b[2J", "\x07", "\x7f", "\x85", "\u202e", "\u2028", "a\nb", "a\rb")


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_as_a_formula_is_neutralised(text):
    table = pd.DataFrame({"name": [text, "adam"], text: [1.5, -2.0], "mixed": [-0.5, text]})
    shown = "'" + text.replace("\r", "\\r")
    (head, first, second) = rows_of(format_csv_table(table))
    assert head == ["name", shown, "mixed"]
    assert first == [shown, "1.5", "-0.5"]  # numbers stay numbers
    assert second == ["adam", "-2.0", shown]


def test_no_cell_of_a_report_is_a_formula(tmp_path):
    hostile = [one for name in FORMULAS for one in reports(name, GOOD, point={"mode": name})]
    write_tables(Study.of([*reports("adam", GOOD), *hostile]), tmp_path)
    files = sorted(tmp_path.glob("*.csv"))
    assert {file.name for file in files} >= {"trials.csv", "leaderboard.csv", "pairs.csv"}
    for file in files:
        for row in rows_of(file.read_text("utf-8")):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r")), (file.name, cell)
                assert cell[:1] != "-" or math.isfinite(float(cell)) or cell == "-inf"
    assert pd.read_csv(tmp_path / "trials.csv")["seed"].dtype == "int64"


def test_control_characters_are_shown_escaped_and_every_figure_is_drawn(tmp_path, capfd):
    hostile = [
        one
        for at, name in enumerate(CONTROLS)
        for one in reports(f"evil{at}{name}", GOOD, task=f"task{name}", environment={"k": name})
    ]
    plain = [one for name in CONTROLS for one in reports("adam", GOOD, task=f"task{name}")]
    study = Study.of([*plain, *hostile])
    html = render(study, tmp_path).read_text("utf-8")
    assert capfd.readouterr().err == ""
    assert {path.suffix for path in (tmp_path / "figures").iterdir()} == {".svg", ".png"}
    assert "evil0\\x00" in html
    out = io.StringIO()
    print_study(study, Console(file=out, width=200))
    for text in (out.getvalue(), (tmp_path / "trials.csv").read_text("utf-8")):
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "evil1\\x1b[2J" in text or "evil1" not in text
    shown = html.replace("\n", "").replace("\t", "")
    body = re.sub(r"<script.*?</script>", "", shown, flags=re.DOTALL)
    assert all(c.isprintable() for c in body)


def test_so_are_those_of_a_baseline(record, tmp_path):
    file = tmp_path / "a.json"
    baseline.write([record(optimizer="evil\x1b[2J")], file, {})
    (back,) = baseline.read(file)
    assert back.config["optimizer"]["name"] == "evil\\x1b[2J"
    assert Study.load("", compare=[str(file)]).trials["entrant"].tolist() == ["evil\\x1b[2J"]


def test_markup_stays_text_on_the_page(tmp_path):
    hostile = [one for name in SCRIPTS for one in reports(name, GOOD, task=f"t{name}")]
    adam = [one for name in SCRIPTS for one in reports("adam", GOOD, task=f"t{name}")]
    html = render(Study.of([*adam, *hostile]), tmp_path).read_text("utf-8")
    for name in SCRIPTS[:4]:
        assert name not in re.sub(r"<script>.*?</script>\n", "", html, flags=re.DOTALL)
    data = re.search(r'<script type="application/json" id="figure-data">(.*?)</script>', html, re.S)
    assert "<script>alert(1)</script>" in str(json.loads(data[1]))  # as data, escaped in the page


ABORTING = """
import os, pathlib, sys
text = pathlib.Path({path!r}).read_text()
loop = "for name in names:"
exec(compile(text.replace(loop, loop + "\\n        name == 'heatmap' and __import__('os').abort()"),
             "child", "exec"))
"""


def test_a_figure_that_ends_the_renderer_is_left_out_alone(study, tmp_path, monkeypatch, capfd):
    child = tmp_path / "child.py"
    child.write_text(ABORTING.format(path=rendering.__file__))
    monkeypatch.setattr(rendering, "__file__", str(child))
    render(Study.of(study), tmp_path / "report")
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "figures: heatmap left out as SVG and PNG (the renderer was ended by SIGABRT)" in err
    names = {path.stem for path in (tmp_path / "report" / "figures").iterdir()}
    assert "heatmap" not in names
    assert {"score", "learning_curves", "seeds"} <= names
    assert (tmp_path / "report" / "index.html").is_file()


LIMITED = """
import resource, sys
from reports.output.render import render
from reports import Study
from tests.helpers.studies import reports
study = Study.of([*reports("adam", [.9, .91, .92]), *reports("lion", [.9, .91, .92])])
study.leaderboards
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
render(study, sys.argv[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_a_limit_on_memory_takes_no_table(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "r")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "left out" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2
    assert (tmp_path / "r" / "index.html").is_file()
    assert (tmp_path / "r" / "trials.csv").is_file()
