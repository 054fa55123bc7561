"""The password of ``tracking.uri``: it reaches the store, and nothing that anybody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench import tracking
from bench.spec import RefusedInput
from bench.spec.errors import StoreLost, hide_passwords
from bench.sweeps import status
from bench.tracking import dashboard
from bench.tracking.uri import check_uri
from reports import __main__ as reports_main
from tests.helpers.services.mlflow_server import MlflowServer

SECRET = "tr0ub4dor-3"
GONE = f"postgresql://u:{SECRET}@127.0.0.1:1/none"
SHOWN = "postgresql://u:***@127.0.0.1:1/none"
TRIAL = ("task=digits", "budget.steps=2", "budget.eval_every=2", "study=s")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (GONE, SHOWN),
        (f"a {GONE}, b", f"a {SHOWN}, b"),
        (f"postgresql+psycopg://u:{SECRET}/a:@h/x", "postgresql+psycopg://u:***@h/x"),
        (f"http://u:{SECRET}@host:5000/", "http://u:***@host:5000/"),
        (f"mysql://:{SECRET}@h/x", "mysql://:***@h/x"),
        (
            f"postgresql://h/x?user=u&password={SECRET}&a=1",
            "postgresql://h/x?user=u&password=***&a=1",
        ),
        ("http://HOST:PORT", "http://HOST:PORT"),
        ("sqlite:////tmp/a@b:c.db", "sqlite:////tmp/a@b:c.db"),
    ],
)
def test_what_is_shown_of_an_address(text, shown):
    assert hide_passwords(text) == shown
    for kind in (RefusedInput, StoreLost):
        assert str(kind(text)) == shown
        assert SECRET not in repr(kind(text))


def run_command(main, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def commands(uri):
    yield status.main, "study=s", f"tracking.uri={uri}"
    yield reports_main.main, "study=s", f"tracking.uri={uri}"
    yield dashboard.main, "--store", uri


@pytest.mark.parametrize(
    "uri", [GONE, GONE.replace("postgresql", "odd"), GONE + "?password=" + SECRET]
)
def test_refusals_do_not_show_it(uri, optbench, capsys, monkeypatch, tmp_path):
    pytest.importorskip("psycopg")
    monkeypatch.setattr("time.sleep", None)
    said = []
    for words in (TRIAL, ("-m", *TRIAL), ("-m", "hydra/sweeper=study", *TRIAL), ("odd=1",)):
        ended = optbench(*words, f"tracking.uri='{uri}'", store=None)
        assert ended.code == 2
        said.append(ended.out + ended.err)
    for main, *words in commands(uri):
        assert run_command(main, *words) == 2
        said.append("".join(capsys.readouterr()))
    for text in said:
        assert text.startswith(("refused: ", "optbench-report: ", "dashboard: "))
        assert SECRET not in text
    assert all("u:***@" in text for text in said[:3] + said[4:])
    assert_nowhere(tmp_path)


def test_a_word_that_hydra_cannot_read_does_not_show_it(optbench):
    ended = optbench(*TRIAL, f"tracking.uri=postgresql://u:{SECRET}`{{@h/x", store=None)
    assert ended.code == 2
    assert SECRET not in ended.out + ended.err


def test_a_server_that_is_gone_does_not_show_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = f"http://u:{SECRET}@127.0.0.1:9"
    with pytest.raises(RefusedInput) as refused:
        tracking.list_studies(uri)
    assert "http://u:***@127.0.0.1:9" in str(refused.value)
    assert SECRET not in str(refused.value)
    with pytest.raises(RefusedInput) as refused:
        check_uri(f"file://u:{SECRET}@h")
    assert SECRET not in str(refused.value)


def assert_nowhere(folder):
    for file in Path(folder).rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


def test_no_argument_of_the_server_shows_it(uri, tmp_path, monkeypatch, capsys):
    """MLflow's server and all processes below it take the address from their environment."""
    started = []
    monkeypatch.setattr("os.execve", lambda *words: started.append(words))
    tracking.prepare(uri, "s")
    dashboard.main(["--store", uri])
    ((_, command, environment),) = started
    assert uri not in " ".join(command)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri
    server = MlflowServer(tmp_path, uri)
    server.start()
    try:
        assert tracking.list_studies(server.uri) == ["s"]
        top = psutil.Process(server.process.pid)
        for one in (top, *top.children(recursive=True)):
            assert uri.removeprefix("sqlite:///") not in " ".join(one.cmdline())
    finally:
        server.kill()


@pytest.mark.slow
def test_nothing_that_a_study_leaves_shows_it(postgres, tmp_path, empty_store):
    """Outputs, files, the tables of the store and the command lines of all processes."""
    uri = postgres.uri.replace("optbench@", f"optbench:{SECRET}@")
    study = ("-m", "hydra/sweeper=study", *TRIAL, "tuning.trials=1", "tuning.seeds=1")
    words = [
        ["-m", "bench", *study, "optimizer=adam", "reporting.seeds=1"],
        ["-m", "bench", "-m", *TRIAL, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        ["-m", "bench", *TRIAL],
        ["-m", "bench", *TRIAL, "odd=1"],
        ["-m", "bench.sweeps.status", "study=s"],
        ["-m", "bench.sweeps.status", "study=none"],
        ["-m", "reports", "study=s"],
        ["-m", "reports", "study=none"],
        ["-m", "reports", "study=s", "export=b.json"],
    ]
    for each in words:
        ended = subprocess.run(
            [sys.executable, *each, f"tracking.uri={uri}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OPTBENCH_DATA": os.environ.get("OPTBENCH_DATA", "data")},
        )
        assert ended.returncode == (2 if "odd=1" in each or "study=none" in each else 0), ended
        assert SECRET not in ended.stdout + ended.stderr
    assert_nowhere(tmp_path)
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    with engine.connect() as connection:
        for table in sqlalchemy.inspect(engine).get_table_names():
            rows = connection.execute(sqlalchemy.text(f'SELECT * FROM "{table}"')).fetchall()
            assert SECRET not in str(rows), table
    engine.dispose()
