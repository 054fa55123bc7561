"""``optbench-report``: refusals in one line, and the way from a store to a report."""

import io
import subprocess
import sys
from types import ModuleType

import pytest
from rich.console import Console

import bench
from bench.tracking import StudyRecords
from bench.tracking.declared import StudyPlans
from reports.__main__ import KEYS, main
from reports.analysis.study import Study
from reports.output import mlflow_summary
from reports.output.report import make_report
from reports.output.terminal import print_study
from reports.text.leaderboards import display
from tests.helpers.studies import tunings

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


@pytest.fixture
def store(monkeypatch, study, tmp_path):
    """A ``bench.tracking`` that holds the study ``hand_made`` and notes what is attached."""
    tracking = ModuleType("bench.tracking")
    tracking.attached, tracking.summaries = [], []
    tracking.list_studies = lambda uri: ["hand_made"]
    tracking.read_study = lambda uri, name: StudyRecords(study, "")
    tracking.read_plans = lambda uri, name: StudyPlans((), "")
    tracking.read_text = lambda uri, name, file: None
    tracking.attach_report = lambda *arguments: tracking.attached.append(arguments)
    tracking.summarize = lambda *arguments, **said: tracking.summaries.append(said)
    monkeypatch.setitem(sys.modules, "bench.tracking", tracking)
    monkeypatch.setattr(bench, "tracking", tracking, raising=False)
    path = tmp_path / "store.db"
    path.touch()
    return f"sqlite:///{path}", tracking


def refusal(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["studdy=a"], "studdy=a: 'studdy' is no key; did you mean 'study'?"),
        (["study=a", "traking.uri=b"], "did you mean 'tracking.uri'?"),
        (["study"], "study: no value"),
        (["study=a", "study=b"], "given twice"),
        ([], "write study=NAME"),
        (["study=a", "tracking.uri=sqlite:///nowhere/x.db"], "there is no file nowhere/x.db"),
    ],
)
def test_refused_words(capsys, words, said):
    assert said in refusal(capsys, *words)


def test_unknown_study_names_the_nearest(capsys, store):
    line = refusal(capsys, "study=hand_mde", f"tracking.uri={store[0]}")
    assert "study=hand_mde" in line
    assert "did you mean 'hand_made'?" in line


def test_report_from_store(capsys, store, tmp_path):
    uri, tracking = store
    with pytest.raises(SystemExit) as stop:
        main(["study=hand_made", f"tracking.uri={uri}", f"output={tmp_path / 'report'}"])
    assert stop.value.code == 0
    assert (tmp_path / "report" / "index.html").is_file()
    assert tracking.attached == [(uri, "hand_made", tmp_path / "report")]
    printed = capsys.readouterr().out
    (said,) = tracking.summaries
    assert said["note"].startswith("No verdict")
    assert said["metrics"]["trials/finished"] == 34
    assert len(said["tables"]["leaderboard"]["optimizer"]) == 6
    assert "No verdict" in printed
    assert printed.rstrip().endswith("index.html")


def test_make_report_returns_the_page(store, tmp_path):
    assert make_report(store[0], "hand_made", tmp_path / "r") == tmp_path / "r" / "index.html"


def test_help_imports_nothing_heavy():
    heavy = ["mlflow", "torch", "altair", "pandas", "hydra"]
    code = (
        "import sys, reports.__main__ as m\n"
        "try: m.main(['--help'])\n"
        f"finally: assert not set({heavy}) & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: optbench-report study=NAME" in done.stdout
    assert all(f"\n  {key}=" in done.stdout for key in KEYS)


@pytest.mark.parametrize("width", [40, 80, 120, 280])
def test_terminal_tables_fit_and_cut_no_number(study, width):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    made = Study.of(study)
    print_study(made, console)
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    intervals = display(made.leaderboards[0])["test/accuracy [95 %]"]
    assert all(any(interval in line for line in lines) for interval in intervals)
    assert ("more column" in out.getvalue()) == (width < 280)


def test_piped_output_is_plain(study):
    out = io.StringIO()
    print_study(Study.of(study), Console(file=out, width=80))
    assert "\x1b" not in out.getvalue()
    assert "lion was chosen on seeds that are reported" in " ".join(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 80, 250])
def test_the_terminal_names_the_settings_that_were_chosen(width):
    rates = [2e-3, 3e-3, 3e-3, 3e-3, 4e-3]
    made = [
        *tunings("adam", GOOD * 2),
        *tunings("lion", [value + 0.05 for value in GOOD], choose=lambda repeat: rates[repeat]),
    ]
    out = io.StringIO()
    print_study(Study.of(made), Console(file=out, width=width))
    printed = " ".join(out.getvalue().split())
    settings = printed[printed.index("Settings to use") :]
    # ranks on validation: 5 at 0.002; 3, 1 and 4 at 0.003; 2 at 0.004
    assert "· lion on digits: lr=0.004 (0.002 to 0.004), of 5 tunings" in settings
    assert "· adam on digits: all 10 tunings chose lr=0.003" in settings
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_where_nothing_was_tuned_there_are_no_settings(study):
    out = io.StringIO()
    print_study(Study.of(study), Console(file=out, width=80))
    assert "Settings to use" not in out.getvalue()


def test_the_note_of_a_large_study_ends_before_mlflows_limit():
    said = [f"sentence {at} " + "x" * 200 for at in range(100)]
    listed = mlflow_summary._shorten(said)
    assert listed[0] == f"- {said[0]}"
    assert len("\n".join(listed)) < 7000
    shown = len(listed) - 1
    assert listed[-1] == f"- … and {100 - shown} more in the report"
    assert mlflow_summary._shorten(said[:2]) == [f"- {said[0]}", f"- {said[1]}"]
