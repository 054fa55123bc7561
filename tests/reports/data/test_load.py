"""Several studies as one report, and filters: what counts once, what stays, what is refused."""

import json
import sys
from dataclasses import replace
from types import ModuleType

import pytest

import bench.trial
from bench.config import declared
from bench.spec import RefusedInput
from bench.spec.declared import DeclaredPlan
from bench.tracking import StudyRecords
from bench.tracking.declared import StudyPlans
from reports import Study
from reports.__main__ import main
from reports.data import baseline
from reports.output.report import make_report
from tests.helpers.records import make_record
from tests.helpers.studies import reports

GOOD = [0.90, 0.91, 0.92, 0.905, 0.915]


class Store(ModuleType):
    """A ``bench.tracking`` over studies by name, which notes what is attached to them."""

    def __init__(self, studies):
        super().__init__("bench.tracking")
        self.held, self.texts, self.reports, self.plans = studies, {}, [], {}

    def list_studies(self, uri):
        return sorted(self.held)

    def read_study(self, uri, study):
        return StudyRecords([replace(record, study=study) for record in self.held[study]], "")

    def read_plans(self, uri, study):
        return StudyPlans(tuple(self.plans.get(study, ())), "")

    def read_text(self, uri, study, name):
        return self.texts.get((study, name))

    def attach_text(self, uri, study, name, text):
        self.texts[study, name] = text

    def attach_report(self, uri, study, directory):
        self.reports.append((study, directory))

    def summarize(self, uri, study, *, note, metrics, tables):
        assert self.reports[-1][0] == study


@pytest.fixture
def store(monkeypatch, tmp_path):
    """One of two studies that share some of Adam's trials; the second knows two tasks."""
    adam, rest = reports("adam", GOOD), reports("lion", GOOD)
    adam_again = [replace(record, run_id=f"b{record.run_id}") for record in adam]
    langid = reports("lion", GOOD, task="langid") + reports("sgd", GOOD, task="langid")
    store = Store({"a": adam, "b": adam_again + rest + langid})
    monkeypatch.setitem(sys.modules, "bench.tracking", store)
    monkeypatch.setattr(bench, "tracking", store, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store.db").touch()
    return store


URI = "sqlite:///store.db"


def test_what_two_studies_ran_counts_once(store):
    both = Study.load("a,b", URI)
    assert both.name == "a+b"
    assert len(both.trials) == 20
    digits = both.trials[both.trials["task"] == "digits"]
    assert digits.groupby(["entrant", "study"]).size().to_dict() == {
        ("adam", "a"): 5,
        ("lion", "b"): 5,
    }
    assert Study.load("b,a", URI).trials["study"].unique().tolist() == ["b"]


def test_a_trial_that_finished_elsewhere_beats_one_that_failed(store):
    failed = make_record(phase="report", status="failed", evaluations=1)
    store.held["c"] = [replace(failed, config_hash=store.held["a"][0].config_hash)]
    assert Study.load("c,a", URI).trials["status"].tolist() == ["finished"] * 5


def test_filters_narrow_and_are_remembered(store):
    loaded = Study.load("b", URI, filters={"task": ["langid"], "optimizer": ["lion", "sgd"]})
    assert set(loaded.trials["entrant"]) == {"lion", "sgd"}
    assert loaded.filters == {"task": ["langid"], "optimizer": ["lion", "sgd"]}
    assert Study.load("b", URI).filters == {}
    (board,) = loaded.leaderboards  # without Adam nothing is tested, and that is said
    assert {str(verdict) for verdict in board.table["verdict"]} == {
        "no verdict: there is no reference here"
    }


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        ("a,bb", {}, "study=bb: no such study in sqlite:///store.db; did you mean 'b'"),
        ("b", {"filters": {"task": ["digit"]}}, "task=digit: no trial has it; did you mean"),
        ("b", {"filters": {"optimizer": ["adamw"]}}, "optimizer=adamw: no trial has it"),
        ("b", {"filters": {"tusk": ["digits"]}}, "tusk: no filter; did you mean 'task'"),
        (
            "b",
            {"filters": {"task": ["langid"], "optimizer": ["adam"]}},
            "no trial is left of study=b under task=langid optimizer=adam",
        ),
        ("b", {"reference": "lino"}, "no optimizer of that name takes part; did you mean 'lion'?"),
        ("a", {"compare": ["nobody.json"]}, "compare=nobody.json: there is no such file"),
    ],
)
def test_what_is_not_there_is_refused(store, names, options, said):
    with pytest.raises(RefusedInput) as refused:
        Study.load(names, URI, **options)
    assert said in str(refused.value)


def command(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main([*words, f"tracking.uri={URI}"])
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


def test_only_the_report_of_one_whole_study_is_attached(store, capsys, tmp_path):
    for words in (["study=a,b"], ["study=b", "task=langid"], ["study=b"]):
        assert command(capsys, *words)[0] == 0
    assert [(study, path.as_posix()) for study, path in store.reports] == [
        ("b", "outputs/b/report")
    ]
    assert (tmp_path / "outputs" / "a+b" / "report" / "index.html").is_file()


def test_a_study_beside_the_export_of_another(store, capsys, tmp_path):
    code, out, _ = command(capsys, "study=b", "optimizer=lion", "export=lion.json.gz")
    assert code == 0
    assert out.startswith("lion.json.gz: 10 trials, ")
    made = baseline.read(tmp_path / "lion.json.gz")
    assert {record.study for record in made} == {"b"}
    code, out, _ = command(capsys, "study=a", "--compare", "lion.json.gz")
    assert code == 0
    assert "lion: 5 trials join: 5 of lion\n" in out
    assert "lion: left out, for no trial of this study is on it: langid\n" in out
    assert not store.reports
    table = (tmp_path / "outputs" / "a" / "report" / "trials.csv").read_text()
    assert ",lion,digits," in table


def test_the_export_says_what_made_it_and_nothing_of_this_machine(store, capsys, tmp_path):
    command(capsys, "study=a,b", "task=digits", "export=x.json")
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text)["made_by"]["command"] == "optbench-report study=a,b task=digits"
    assert str(tmp_path) not in text
    assert "store.db" not in text


def test_a_report_from_the_export_alone(store, capsys, tmp_path):
    command(capsys, "study=b", "export=b.json")
    assert command(capsys, "study=b")[0] == 0
    assert command(capsys, "compare=b.json", "output=again")[0] == 0
    boards = [tmp_path / where / "leaderboard.csv" for where in ("outputs/b/report", "again")]
    assert boards[0].read_bytes() == boards[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["study=a", "task="], "task=: no value"),
        (["study=a,,b"], "study=a,,b: an empty value"),
        (["study=a", "costs=yes"], "costs=yes: no switch; write costs=true or costs=false"),
        (["study=a", "data_dir=x"], "data_dir=x: only costs=true heeds it"),
        (["study=a", "export=x.csv"], "export=x.csv: a baseline's name ends in .json"),
        (["study=a", "export=x.json", "compare=y"], "compare=y: export= writes the studies' own"),
        (["compare=league"], "compare=league: no such baseline"),
        (["study=a", "--compare"], "--compare: no value"),
        (["task=digits"], "study: no value; write study=NAME"),
        (["export=x.json", "compare=y"], "compare=y: export= writes the studies' own"),
    ],
)
def test_words_that_are_refused(store, capsys, words, said):
    code, _, err = command(capsys, *words)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_costs_are_measured_once_and_kept_with_the_studies(store, capsys, monkeypatch, tmp_path):
    measured = []

    def measure(configs, data_dir, hardware, say):
        measured.append((sorted(c["optimizer"]["name"] for c in configs.values()), data_dir))
        none = {"step_time_ms": None, "state_mib": None, "steps_measured": 0, "device": ""}
        some = {"step_time_ms": 1.5, "state_mib": 0.25, "steps_measured": 9, "device": "cpu"}
        return {
            name: {**none, "reason": "no data"}
            if config["optimizer"]["name"] == "sgd"
            else {**some, "reason": ""}
            for name, config in configs.items()
        }

    fake = ModuleType("bench.trial.cost")
    fake.measure_costs = measure
    monkeypatch.setitem(sys.modules, "bench.trial.cost", fake)
    monkeypatch.setattr(bench.trial, "cost", fake, raising=False)
    monkeypatch.setattr(declared, "find_undeclared", lambda configs, folder: {})
    assert Study.load("b", URI).costs.empty
    assert command(capsys, "study=a,b", "costs=true", "data_dir=here")[0] == 0
    assert measured == [(["adam", "lion", "lion", "sgd"], "here")]
    assert (tmp_path / "outputs" / "a+b" / "report" / "costs.csv").is_file()
    for name in ("a", "b"):  # from the store, without measuring again
        costs = Study.load(name, URI).costs.set_index(["comparison", "entrant"])
        adam = costs.loc[("digits", "adam")]
        assert (adam["step_time_ms"], adam["state_mib"], adam["device"]) == (1.5, 0.25, "cpu")
    sgd = costs.loc[("langid", "sgd")]
    assert sgd["reason"] == "no data"
    assert sgd["step_time_ms"] != sgd["step_time_ms"]  # NaN
    assert len(measured) == 1


def test_make_report_takes_a_folder_as_before(store, tmp_path):
    assert make_report(URI, "a", tmp_path / "r") == tmp_path / "r" / "index.html"
    assert store.reports == [("a", tmp_path / "r")]


def test_a_study_shows_itself_in_a_notebook():
    hostile = "<script>alert(1)</script>"
    shown = Study.of(reports("adam", GOOD) + reports(hostile, GOOD))._repr_html_()
    assert "<table" in shown
    assert "at its default 0.9100 [0.9002, 0.9198]" in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    tuning = [make_record(phase="select")]
    assert "No trial is reported yet" in Study.of(tuning)._repr_html_()


def plan(number, reference, *, generation=1, at=0.0, entrants=()):
    return DeclaredPlan(number, generation, at, {"reference": reference, "entrants": [*entrants]})


def declares(records, reference, **values):
    """Trials that say so of their reference, of a command and a time."""
    results = {key: value for key, value in values.items() if key in ("generation", "ended_at")}
    return [
        replace(one, reference=reference, result=replace(one.result, **results)) for one in records
    ]


def test_a_finished_study_is_read_against_another_reference(store, capsys, tmp_path):
    assert Study.load("b", URI).reference == "adam"
    against = Study.load("b", URI, reference="lion")
    assert against.reference == "lion"
    assert {record.reference for record in against.records} == {"adam"}  # as it was declared
    assert command(capsys, "study=b", "reference=lion")[0] == 0
    assert store.reports == []  # only what was declared is the study's own report
    assert (tmp_path / "outputs" / "b" / "report" / "index.html").exists()


def test_export_takes_no_reference(store, capsys):
    code, _, err = command(capsys, "study=b", "export=b.json", "reference=lion")
    assert code == 2
    assert "reference=lion: export= writes" in err


def test_the_latest_plan_of_a_study_decides(store):
    store.held["b"] = declares(store.held["b"], "adam", generation=3)
    store.plans["b"] = [plan(1, "adam"), plan(2, "lion", generation=3)]
    assert Study.load("b", URI).reference == "lion"
    assert Study.load("b", URI).joined == ()
    store.held["b"] += declares(reports("sgd", GOOD), "sgd", generation=4)  # a killed command's
    assert Study.load("b", URI).reference == "sgd"
    assert Study.load("b", URI, filters={"optimizer": ["adam", "lion"]}).reference == "lion"


def test_of_two_studies_the_later_plan_decides_and_a_line_says_so(store):
    store.plans["a"] = [plan(1, "adam", at=2000.0)]
    store.plans["b"] = [plan(7, "lion", at=1000.0)]
    both = Study.load("b,a", URI)
    assert both.reference == "adam"
    (line,) = both.joined
    assert "several references (adam, lion). adam was declared last" in line
    store.plans["b"] = [plan(7, "lion", at=3000.0)]
    assert Study.load("a,b", URI).reference == "lion"
    assert Study.load("a,b", URI, reference="sgd").joined == ()


def test_without_any_reference_there_is_none(store):
    store.held["b"] = declares(
        [one for one in store.held["b"] if one.config["optimizer"]["name"] != "adam"], ""
    )
    assert Study.load("b", URI).reference == ""
    store.held["b"] = declares(reports("adam", GOOD), "", generation=2) + store.held["b"]
    assert Study.load("b", URI).reference == "adam"


def test_plans_are_exported_with_the_baseline_and_decide_there(store, capsys, tmp_path):
    entrant = {
        **{"task": "digits", "optimizer": "lion", "schedule": "constant", "setting": "0"},
        **{"steps": 300, "settings": 8, "tunings": 4, "select": 32, "report": 14, "space": {}},
    }
    rest = [{**entrant, "optimizer": "sgd"}, {**entrant, "optimizer": "secret", "task": "langid"}]
    store.plans["b"] = [
        plan(1, "adam", at=5.5, entrants=[entrant]),
        plan(2, "lion", generation=2, at=6.5, entrants=[entrant, *rest]),
    ]
    assert command(capsys, "study=b", "export=b.json", "task=digits")[0] == 0
    whole = baseline.read_whole(tmp_path / "b.json")
    assert [(one.number, one.generation, one.at) for one in whole.plans["b"]] == [
        (1, 1, 5.5),
        (2, 2, 6.5),
    ]
    assert [one["optimizer"] for one in whole.plans["b"][1].content["entrants"]] == ["lion", "sgd"]
    assert "secret" not in (tmp_path / "b.json").read_text()
    assert Study.load("", URI, compare=["b.json"]).reference == "lion"
    again = (tmp_path / "b.json").read_bytes()
    assert command(capsys, "study=b", "export=b.json", "task=digits")[0] == 0
    assert (tmp_path / "b.json").read_bytes() == again
