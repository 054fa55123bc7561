"""Reading changes no store: no byte, no row, no view, no tag, and no file beside it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import CurvePoint, RefusedInput, Status, TrialResult
from bench.sweeps import status
from bench.tracking import dashboard, opening
from bench.tracking.sqlite import schema
from bench.tracking.uri import sqlite_path
from reports import __main__ as reports_main
from tests.helpers.services.mlflow_revisions import make_store, set_revision
from tests.helpers.specs import trial_spec

STORES = ("of an older MLflow", "of an unknown MLflow", "of somebody else", "with a log left over")


def add_trials(uri):
    specs = [trial_spec(seed=seed, study="s") for seed in range(2)]
    with tracking.open_recorder(uri, specs, "none") as records:
        for slot in range(2):
            point = CurvePoint(20, {"val/loss": 2.0, "val/accuracy": 0.5, "train/loss": 1.0})
            records.finish(slot, TrialResult(Status.FINISHED, curve=(point,)))


@pytest.fixture(params=STORES)
def store(request, uri, tmp_path):
    """A store that this optbench did not make, or not alone; its address and a study in it."""
    path, study = sqlite_path(uri), "s"
    if request.param == "of an older MLflow":
        path.unlink()
        make_store(path, schema.REVISIONS[0])
    if request.param == "of somebody else":
        path.unlink()
        client = MlflowClient(tracking_uri=uri)
        study = "theirs"
        run = client.create_run(client.create_experiment(study, (tmp_path / "files").as_uri()))
        client.log_metric(run.info.run_id, "accuracy", 0.9)
        client.set_terminated(run.info.run_id)
    else:
        add_trials(uri)
    if request.param == "of an unknown MLflow":
        set_revision(path, "ffffffffffff")
    if request.param == "with a log left over":
        left = sqlite3.connect(path)
        left.execute("PRAGMA wal_autocheckpoint = 0")
        left.execute("UPDATE runs SET name = 'renamed'")
        left.commit()
        copy = tmp_path / "copy" / "optbench.db"
        copy.parent.mkdir()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{copy}{end}")
        left.close()
        uri = f"sqlite:///{copy}"
    else:
        with closing(sqlite3.connect(path)) as tables:  # as MLflow makes it
            tables.execute("PRAGMA journal_mode = DELETE")
    opening._open.cache_clear()
    return uri, study


def photograph(uri):
    """The bytes of every file beside the store, but for the index of a log, which is no data."""
    folder = sqlite_path(uri).parent
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith("-shm")
    }


def run_command(main, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def test_commands_that_read_change_nothing(store, tmp_path, monkeypatch, capsys):
    uri, study = store
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before = photograph(uri)
    words = (f"study={study}", f"tracking.uri={uri}")
    assert run_command(status.main, *words) == 0
    assert photograph(uri) == before
    with monkeypatch.context() as plain:
        plain.setattr(tracking, "attach_report", lambda *_: None)
        plain.setattr(tracking, "summarize", lambda *_, **__: None)
        assert run_command(reports_main.main, *words) == 0
    assert photograph(uri) == before
    if study == "s":
        assert run_command(reports_main.main, *words, "optimizer=adam") == 0  # is not attached
        assert run_command(reports_main.main, *words, "export=b.json") == 0
    for name in ("s", "theirs", "none"):
        tracking.read_results(uri, name)
        tracking.find_result(uri, name, "x")
        tracking.find_report(uri, name)
        tracking.read_text(uri, name, "plan.json")
        tracking.next_generation(uri, name)
    assert photograph(uri) == before


def test_a_report_of_somebody_else_s_study_changes_nothing(uri, tmp_path, monkeypatch):
    client = MlflowClient(tracking_uri=uri)
    client.create_run(client.create_experiment("theirs", (tmp_path / "files").as_uri()))
    add_trials(uri)
    monkeypatch.chdir(tmp_path)
    before = rows(uri)
    assert run_command(reports_main.main, "study=theirs", f"tracking.uri={uri}") == 0
    assert rows(uri) == before
    theirs = client.get_experiment_by_name("theirs")
    dashboard.list_addresses(uri, 5000)
    assert client.get_experiment_by_name("theirs").tags == theirs.tags


def rows(uri):
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        return list(store.iterdump())


@pytest.mark.parametrize("content", [None, b""])
def test_reading_makes_no_store(tmp_path, content):
    path = tmp_path / "none.db"
    if content is not None:
        path.write_bytes(content)
    uri = f"sqlite:///{path}"
    for read in (
        lambda: tracking.read(uri, "s"),
        lambda: tracking.list_studies(uri),
        lambda: tracking.read_results(uri, "s"),
    ):
        with pytest.raises(RefusedInput, match=r"there is no file .* with records. Run optbench"):
            read()
    assert tracking.next_generation(uri, "s") == 1
    assert [one.name for one in tmp_path.iterdir()] == ([] if content is None else ["none.db"])
    assert content is None or path.read_bytes() == content
