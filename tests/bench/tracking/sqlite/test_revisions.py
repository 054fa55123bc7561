"""Stores of an older MLflow, and of an unknown one: used or read as they are, never migrated."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from bench import tracking
from bench.spec import CurvePoint, RefusedInput, Status, TrialResult
from bench.sweeps import status
from bench.tracking import ReadOnlyStore, dashboard
from bench.tracking.opening import open_store
from bench.tracking.server.store import ClientStore, _check_revision
from bench.tracking.sqlite import schema
from bench.tracking.uri import sqlite_path
from reports import __main__ as reports_main
from tests.helpers.services.mlflow_revisions import make_store, migrate, set_revision
from tests.helpers.specs import trial_spec

OLDEST, UNKNOWN = schema.REVISIONS[0], "ffffffffffff"
TRIAL = ("task=digits", "budget.steps=2", "budget.eval_every=2", "study=s")
SWEEP = ("-m", *TRIAL, "seed=0,1", "report=false")
STUDY = ("-m", "hydra/sweeper=study", *TRIAL, "report=false")
USED, READ = "It is used as it is; mlflow db upgrade", "It is only read: nothing is recorded in it"
REFUSED = f"made by an MLflow that is not known here (schema {UNKNOWN}), so nothing is recorded"
SHOWN = "the installed MLflow cannot show tables of schema"


@pytest.fixture(scope="module")
def oldest_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("oldest") / "oldest.db"
    make_store(path, OLDEST)
    return path


@pytest.fixture
def older(uri, oldest_store):
    """The address of an empty store at the oldest revision that is known."""
    shutil.copy(oldest_store, sqlite_path(uri))
    return uri


def add_trials(uri, study, count=2):
    specs = [trial_spec(seed=seed, study=study) for seed in range(count)]
    with tracking.open_recorder(uri, specs, "none") as records:
        for slot in range(count):
            point = CurvePoint(20, {"val/loss": 2.0, "val/accuracy": 0.5, "train/loss": 1.0})
            records.finish(slot, TrialResult(Status.FINISHED, curve=(point,)))


def make_unknown(uri):
    """Let the store look as if an unknown MLflow had made it; from now on it is opened anew."""
    set_revision(sqlite_path(uri), UNKNOWN)
    forget(uri)


def forget(uri):
    """Open the store as a new process would."""
    from bench.tracking import opening

    opening._open.cache_clear()


def revision(uri):
    return schema.read_revision(sqlite_path(uri))


def run_command(main, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def is_one_line(text):
    return text.count("\n") == 1 and "Traceback" not in text


def test_the_oldest_known_revision_is_read_and_written_as_it_is(older, capsys):
    add_trials(older, "s")
    tracking.attach_text(older, "s", "plan.json", "{}")
    tracking.save_views(older, "s")
    assert sorted(one.config["seed"] for one in tracking.read(older, "s")) == [0, 1]
    assert tracking.read_text(older, "s", "plan.json") == "{}"
    err = capsys.readouterr().err
    assert USED in err
    assert f"schema {OLDEST}" in err
    assert is_one_line(err)
    assert revision(older) == OLDEST


def test_what_was_written_at_an_old_revision_survives_the_upgrade(older):
    add_trials(older, "s")
    before = tracking.read(older, "s")
    migrate(sqlite_path(older))
    forget(older)
    assert revision(older) == schema.CURRENT
    assert tracking.read(older, "s") == before
    client = ClientStore(older)
    assert len(client.read_trials(client.find_study("s").id)) == 2


def test_commands_use_an_older_store_with_one_line(older, optbench, capsys):
    ended = optbench(*SWEEP)
    assert ended.code == 0
    assert ended.err.count(USED) == 1
    forget(older)
    ended = optbench(*TRIAL, "seed=0")
    assert (ended.code, ended.err.count(USED)) == (0, 1)
    assert "from the record" in ended.out + ended.err
    for main, words in (
        (status.main, ["study=s"]),
        (reports_main.main, ["study=s", "output=report"]),
    ):
        forget(older)
        assert run_command(main, *words, f"tracking.uri={older}") == 0
        err = capsys.readouterr().err
        assert err.count(USED) == 1
        assert "Traceback" not in err
    assert tracking.find_report(older, "s")
    assert revision(older) == OLDEST


def test_an_unknown_revision_is_read(uri, capsys):
    add_trials(uri, "s")
    make_unknown(uri)
    assert len(tracking.read(uri, "s")) == 2
    assert len(tracking.read_results(uri, "s")) == 2
    assert tracking.list_studies(uri) == ["s"]
    err = capsys.readouterr().err
    assert READ in err
    assert is_one_line(err)
    assert revision(uri) == UNKNOWN


def test_an_unknown_revision_may_have_more_columns(uri):
    add_trials(uri, "s")
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        store.execute("ALTER TABLE tags ADD COLUMN later TEXT")
    make_unknown(uri)
    assert len(tracking.read(uri, "s")) == 2


def test_fewer_columns_are_refused_in_one_line(uri, capsys):
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        store.execute("ALTER TABLE runs DROP COLUMN source_version")
    make_unknown(uri)
    assert run_command(status.main, "study=s", f"tracking.uri={uri}") == 2
    err = capsys.readouterr().err
    assert f"have other columns. Run mlflow db upgrade {uri}" in err
    assert is_one_line(err)


CHANGES = {
    "prepare": lambda uri: tracking.prepare(uri, "new"),
    "resume": lambda uri: tracking.resume(uri, "s"),
    "open_recorder": lambda uri: tracking.open_recorder(uri, [trial_spec()], "none"),
    "attach_text": lambda uri: tracking.attach_text(uri, "s", "plan.json", "{}"),
    "save_views": lambda uri: tracking.save_views(uri, "s"),
    "tag_study": lambda uri: open_store(uri).tag_study("1", {"a": "b"}),
    "create_study": lambda uri: open_store(uri).create_study("new"),
    "trash": lambda uri: open_store(uri).trash(["x"]),
    "describe": lambda uri: open_store(uri).describe("x", {}, {"a": 1.0}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_of_an_unknown_revision(uri, change):
    add_trials(uri, "s", 1)
    make_unknown(uri)
    before = sqlite_path(uri).read_bytes()
    with pytest.raises(ReadOnlyStore, match=rf"{UNKNOWN}.*Run mlflow db upgrade .* tracking.uri="):
        CHANGES[change](uri)
    assert sqlite_path(uri).read_bytes() == before


def test_recording_in_an_unknown_store_is_refused_in_one_line(uri, optbench):
    make_unknown(uri)
    for words in (TRIAL, SWEEP, STUDY):
        ended = optbench(*words)
        assert ended.code == 2
        assert REFUSED in ended.err
        assert f"Run mlflow db upgrade {uri}, or name another store by tracking.uri=" in ended.err
        assert is_one_line(ended.err)
        forget(uri)
    assert revision(uri) == UNKNOWN


def test_commands_that_read_an_unknown_store(uri, optbench, capsys, tmp_path):
    assert optbench(*SWEEP).code == 0
    make_unknown(uri)
    ended = optbench(*TRIAL, "seed=0")
    assert (ended.code, ended.err.count(READ)) == (0, 1)
    assert "Traceback" not in ended.err
    for main, words, out in (
        (status.main, ["study=s"], "study s: "),
        (reports_main.main, ["study=s", "output=report"], "report/index.html"),
    ):
        forget(uri)
        assert run_command(main, *words, f"tracking.uri={uri}") == 0
        done = capsys.readouterr()
        assert out in done.out
        assert done.err.count(READ) == 1
        assert "Traceback" not in done.err
    assert (tmp_path / "report" / "index.html").is_file()
    assert tracking.find_report(uri, "s") is None
    assert revision(uri) == UNKNOWN


@pytest.mark.parametrize("made_by", ["an older MLflow", "an unknown MLflow"])
def test_the_dashboard_starts_no_server_of_another_revision(
    uri, oldest_store, made_by, capsys, monkeypatch
):
    if made_by == "an older MLflow":
        shutil.copy(oldest_store, sqlite_path(uri))
    add_trials(uri, "s")
    if made_by == "an unknown MLflow":
        make_unknown(uri)
    before = revision(uri)
    capsys.readouterr()
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("a server was started"))
    assert run_command(dashboard.main, "--store", uri) == 2
    err = capsys.readouterr().err
    assert SHOWN in err
    assert f"Run mlflow db upgrade {uri}, or name another store by --store=" in err
    assert is_one_line(err)
    assert revision(uri) == before


@pytest.mark.parametrize("content", ["", "text"])
def test_the_dashboard_refuses_a_file_that_is_no_store(tmp_path, capsys, content):
    path = Path(tmp_path, "other.db")
    path.write_text(content)
    assert run_command(dashboard.main, "--store", f"sqlite:///{path}") == 2
    assert is_one_line(capsys.readouterr().err)
    assert path.read_text() == content


def test_a_database_of_another_mlflow_is_refused_before_its_client_migrates_it(older):
    engine = sqlalchemy.create_engine(older)
    with pytest.raises(RefusedInput, match=rf"tables of schema {OLDEST}. Run mlflow db upgrade"):
        _check_revision("postgresql://host/x", engine)
    assert revision(older) == OLDEST


def test_a_current_or_empty_database_is_used(uri, tmp_path):
    _check_revision("postgresql://host/x", sqlalchemy.create_engine(uri))
    _check_revision("postgresql://host/x", sqlalchemy.create_engine(f"sqlite:///{tmp_path}/new.db"))


def test_a_worker_leaves_the_line_to_its_parent(older, monkeypatch, capsys):
    monkeypatch.setenv("OPTBENCH_JOB", "j1")
    assert tracking.list_studies(older) == []
    assert capsys.readouterr().err == ""
