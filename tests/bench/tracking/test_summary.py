"""What a study's summary run says."""

import json
import math
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import Status, TrialResult
from tests.helpers.specs import trial_spec

TABLE = {
    "task": ["digits", "langid"],
    "n": [10, 5],
    "p": [0.5, math.nan],
    "steps": [20.0, math.inf],
}


def summarize(uri, **changed):
    given = {"note": "Look here.", "metrics": {"trials/finished": 15.0}, "tables": {"board": TABLE}}
    tracking.summarize(uri, "test", **(given | changed))
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("test")
    (run,) = client.search_runs([experiment.experiment_id], "tags.kind = 'summary'")
    return client, experiment, run


def test_note_numbers_and_tables_hang_on_the_summary_run(uri, tmp_path):
    client, experiment, run = summarize(uri)
    assert run.data.tags["mlflow.note.content"] == "Look here."
    assert experiment.tags["mlflow.note.content"].startswith("Look here.\n\n[all curves](#/exp")
    assert run.data.metrics == {"trials/finished": 15.0}
    listed = json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert listed == [{"path": "board.json", "type": "table"}]
    path = client.download_artifacts(run.info.run_id, "board.json", str(tmp_path))
    table = json.loads(Path(path).read_text(), parse_constant=pytest.fail)
    assert table["columns"] == ["task", "n", "p", "steps"]
    assert table["data"] == [["digits", 10, 0.5, 20.0], ["langid", 5, "nan", "inf"]]


def test_mlflow_reads_the_table_as_its_own(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # which its reader goes by
    client, experiment, run = summarize(uri)
    frame = client.load_table(experiment.experiment_id, "board.json", [run.info.run_id])
    assert frame.columns.tolist() == ["task", "n", "p", "steps"]
    assert frame["task"].tolist() == ["digits", "langid"]


def test_a_later_summary_takes_the_place_of_the_first(uri, tmp_path):
    summarize(uri)
    small = {"board": {"task": ["digits"]}}
    client, _, run = summarize(uri, note="Better.", metrics={"trials/finished": 3}, tables=small)
    assert run.data.metrics == {"trials/finished": 3.0}
    assert run.data.tags["mlflow.note.content"] == "Better."
    path = client.download_artifacts(run.info.run_id, "board.json", str(tmp_path))
    assert json.loads(Path(path).read_text()) == {"columns": ["task"], "data": [["digits"]]}


def test_columns_of_unequal_length_are_an_error(uri):
    with pytest.raises(ValueError, match="zip"):
        summarize(uri, tables={"board": {"a": [1, 2], "b": [1]}})


def test_a_report_has_an_address_once_it_is_attached(uri, tmp_path):
    assert tracking.find_report(uri, "test") is None
    tracking.attach_text(uri, "test", "plan.json", "{}")
    assert tracking.find_report(uri, "test") is None
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("hello")
    tracking.attach_report(uri, "test", tmp_path / "report")
    _, experiment, run = summarize(uri)
    path = tracking.find_report(uri, "test")
    where = f"#/experiments/{experiment.experiment_id}/runs/{run.info.run_id}/artifacts/report"
    assert path == f"{where}/index.html?workflowType=machine_learning"
    assert f"[report]({path})" in experiment.tags["mlflow.note.content"]


def test_it_is_no_trial(uri):
    summarize(uri)
    with tracking.open_recorder(uri, [trial_spec()], "none") as records:
        records.finish(0, TrialResult(Status.FINISHED))
    assert len(tracking.read(uri, "test")) == 1
