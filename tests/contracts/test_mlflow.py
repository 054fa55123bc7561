"""Assumptions about MLflow's private parts: after an upgrade of MLflow, these tests fail first."""

import io
import json
import logging
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import mlflow
import mlflow.environment_variables
import pytest
import requests
import sqlalchemy
import urllib3
from alembic.operations.batch import ApplyBatchImpl
from alembic.script import ScriptDirectory
from mlflow.entities import LifecycleStage, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient
from mlflow.utils import mlflow_tags, validation

from bench.tracking import dashboard, summary, tags, views
from bench.tracking.server import recorder, retry
from bench.tracking.sqlite import schema
from bench.tracking.store import STUDY_TAGS, TrialRun, make_artifact_uri
from bench.tracking.uri import sqlite_path
from tests.helpers.services.mlflow_revisions import make_store, migrate
from tests.helpers.specs import trial_spec

PAGE = Path(mlflow.__file__).parent / "server" / "js" / "build"


@pytest.fixture
def client(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # files of its studies go below
    return MlflowClient(tracking_uri=uri)


@pytest.fixture
def run(client):
    return client.create_run(client.create_experiment("one")).info


@pytest.fixture(scope="module")
def page():
    """The scripts of MLflow's page, as one text."""
    return "\n".join(path.read_text("utf-8") for path in sorted(PAGE.rglob("*.js")))


def list_revisions():
    script = ScriptDirectory.from_config(utils._get_alembic_config(""))
    return [one.revision for one in script.walk_revisions()][::-1]


def read_columns(path):
    with closing(sqlite3.connect(path)) as store:
        return {table: schema._columns(store, table) for table in schema.COLUMNS}


def test_the_installed_schema_revision_is_known():
    assert utils._get_latest_schema_revision() == schema.CURRENT


def test_the_known_revisions_are_mlflows_latest_in_order():
    assert list_revisions()[-len(schema.REVISIONS) :] == schema.REVISIONS


def test_the_known_revisions_begin_where_the_columns_fit(tmp_path):
    path, revisions = tmp_path / "store.db", list_revisions()
    make_store(path, revisions[revisions.index(schema.REVISIONS[0]) - 1])
    with closing(sqlite3.connect(path)) as store:
        assert not schema._has_columns(store)
    migrate(path, schema.REVISIONS[0])
    with closing(sqlite3.connect(path)) as store:
        assert schema._has_columns(store)


def test_all_known_revisions_have_the_same_columns_of_runs(tmp_path):
    path = tmp_path / "store.db"
    make_store(path, schema.REVISIONS[0])
    expected = {table: set(names.split()) for table, names in schema.COLUMNS.items()}
    for revision in schema.REVISIONS:
        migrate(path, revision)
        assert read_columns(path) == expected, revision


def test_other_columns_of_studies_have_defaults(uri):
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        for table, names in schema.STUDY_COLUMNS.items():
            for _, name, _, required, default, _ in store.execute(f"PRAGMA table_info({table})"):
                assert name in names.split() or not required or default is not None, (table, name)


def test_the_revision_is_where_mlflow_reads_it(uri):
    revision = utils._get_schema_version(sqlalchemy.create_engine(uri))
    assert revision == schema.read_revision(sqlite_path(uri))


def test_an_empty_database_has_no_revision(tmp_path):
    assert utils._get_schema_version(sqlalchemy.create_engine(f"sqlite:///{tmp_path}/x.db")) is None


def test_an_interrupted_migration_leaves_a_table_of_this_name():
    assert ApplyBatchImpl._calc_temp_name("runs") == "_alembic_tmp_runs"


@pytest.mark.parametrize("number", [1.5, float("nan"), float("inf"), -float("inf"), -1.8e308])
def test_numbers_are_encoded_as_mlflow_does(client, run, uri, number):
    client.log_metric(run.run_id, "x", number)
    with closing(sqlite3.connect(sqlite_path(uri))) as store:
        row = store.execute("SELECT value, is_nan FROM latest_metrics").fetchone()
    assert row == schema.encode_number(number)
    read = client.get_run(run.run_id).data.metrics["x"]
    assert repr(read) == repr(schema.decode_number(*row))


def test_the_default_study_is_hidden_by_its_name(client):
    assert [one.name for one in client.search_experiments()] == ["Default"]


def test_a_second_study_of_a_name_is_refused_by_this_code(client):
    client.create_experiment("one")
    with pytest.raises(MlflowException) as refused:
        client.create_experiment("one")
    assert refused.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_states_of_runs_have_these_words():
    assert {RunStatus.to_string(one) for one in RunStatus.all_status()} >= {
        "RUNNING",
        "FINISHED",
        "FAILED",
    }
    assert (LifecycleStage.ACTIVE, LifecycleStage.DELETED) == ("active", "deleted")


def test_files_of_a_run_lie_in_a_folder_below_those_of_its_study(client, tmp_path):
    study = client.create_experiment("filed", make_artifact_uri(tmp_path, "filed"))
    run = client.create_run(study).info
    assert run.artifact_uri == f"{make_artifact_uri(tmp_path, 'filed')}/{run.run_id}/artifacts"
    client.log_text(run.run_id, "x", "deep/x.txt")
    file = tmp_path / "artifacts" / "filed" / run.run_id / "artifacts" / "deep" / "x.txt"
    assert file.read_text() == "x"


def test_tags_of_mlflow_have_these_names():
    assert mlflow_tags.MLFLOW_RUN_NAME == "mlflow.runName"
    assert mlflow_tags.MLFLOW_RUN_NOTE == summary.NOTE
    assert mlflow_tags.MLFLOW_LOGGED_ARTIFACTS == "mlflow.loggedArtifacts"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own use of pandas
def test_a_table_has_this_form(client, run, uri):
    columns = {"name": ["adam", "sgd"], "score": [0.5, 0.25]}
    client.log_table(run.run_id, columns, "leaderboard.json")
    path = mlflow.artifacts.download_artifacts(
        run_id=run.run_id, artifact_path="leaderboard.json", tracking_uri=uri
    )
    assert json.loads(Path(path).read_text()) == json.loads(summary._format_table(columns))
    listed = client.get_run(run.run_id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(listed) == [{"path": "leaderboard.json", "type": "table"}]


def test_limits_of_a_call_and_of_a_tag():
    batch = recorder.METRICS_A_BATCH
    assert batch < min(validation.MAX_METRICS_PER_BATCH, validation.MAX_ENTITIES_PER_BATCH - 50)
    assert validation.MAX_TAG_VAL_LENGTH > 5000  # the reason of a trial's end is cut there
    assert validation.MAX_EXPERIMENT_TAG_VAL_LENGTH >= 20_000  # see tests/bench/tracking/test_views


VARIABLES = [
    *dashboard.ENVIRONMENT,
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
]


@pytest.mark.parametrize("name", VARIABLES)
def test_mlflow_reads_this_environment_variable(name):
    assert getattr(mlflow.environment_variables, name).name == name


@pytest.mark.parametrize("name", ["mlflow", "alembic", "mlflow.store.db.utils", "urllib3"])
def test_noise_comes_from_these_loggers(name):
    assert name in logging.root.manager.loggerDict


@pytest.fixture(scope="module")
def parse():
    """A function that returns the options of a command of MLflow's, by their names."""
    with warnings.catch_warnings():  # its packages for language models warn when they are imported
        warnings.simplefilter("ignore")
        from mlflow.cli import cli

    def parse(*words):
        command, context, words = cli, None, list(words)
        while hasattr(command, "get_command"):
            context = command.make_context(command.name, words[:1], parent=context)
            _, command, words = command.resolve_command(context, words)
        return command.make_context(command.name, words, parent=context).params

    return parse


def test_the_server_takes_the_options_of_the_dashboard(parse, monkeypatch):
    store = dashboard.make_server_environment("sqlite:///x.db")[dashboard.STORE_VARIABLE]
    monkeypatch.setenv(dashboard.STORE_VARIABLE, store)
    command = dashboard.make_server_command(5001)
    assert command[1:3] == ["-m", "mlflow"]
    options = parse(*command[3:])
    assert options["backend_store_uri"] == "sqlite:///x.db"
    assert (options["host"], options["port"], options["workers"]) == ("127.0.0.1", 5001, "1")


def test_the_remedies_name_commands_of_mlflow(parse):
    assert parse("db", "upgrade", "sqlite:///x.db") == {"url": "sqlite:///x.db"}
    assert parse("experiments", "restore", "--experiment-id", "7") == {"experiment_id": "7"}


def test_a_database_that_is_gone_has_this_code(uri, tmp_path):
    store = SqlAlchemyStore(uri, str(tmp_path))
    with pytest.raises(MlflowException) as gone, store.ManagedSessionMaker():
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("connection refused"))
    assert retry.is_unavailable(gone.value)


def test_an_answer_that_ends_too_soon_has_these_words():
    answer = requests.Response()
    answer.raw = urllib3.HTTPResponse(
        io.BytesIO(b"short"),
        {"content-length": "100"},
        preload_content=False,
        enforce_content_length=True,
    )
    with pytest.raises(requests.exceptions.RequestException) as cut:
        _ = answer.content
    assert retry.is_cut_off(cut.value)


def list_keys(value):
    """All keys of nested objects, tags of this study aside."""
    if isinstance(value, list):
        return {key for one in value for key in list_keys(one)}
    if not isinstance(value, dict):
        return set()
    return {key for key in value if key.isidentifier()} | list_keys(list(value.values()))


def test_the_page_knows_the_state_of_a_view(page):
    spec = trial_spec()
    trial = TrialRun("x", "FINISHED", tags.make_start_tags(spec, "none"), {"val/loss": 1.0})
    keys = list_keys(views.make_state([trial]))
    assert len(keys) > 30
    assert [key for key in sorted(keys) if key not in page] == []


@pytest.mark.parametrize(
    "word",
    [
        views.TAG.removeprefix("mlflow.").removesuffix("."),
        *("viewStateShareKey", "compareRunsMode", "workflowType", "machine_learning"),
        *("SHOW_ALL", "average", "createdAt", *STUDY_TAGS.values(), summary.NOTE),
    ],
)
def test_the_page_knows_this_word(page, word):
    assert word in page
