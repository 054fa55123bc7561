import math
import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import ENDS, CurvePoint, RefusedInput, Status, TrialResult, last_metrics
from bench.spec.errors import StoreLost
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.specs import trial_spec


def result(status=Status.FINISHED, **kwargs):
    curve = (
        CurvePoint(20, {"val/loss": 0.5, "val/accuracy": 0.8, "train_time_s": 1.25, "lr": 0.1}),
        CurvePoint(
            40,
            {
                "val/loss": 0.25,
                "val/accuracy": 0.9,
                "train_time_s": 2.5,
                "lr": 0.05,
            },
        ),
    )
    summary = {"train_time_s": 2.5, "step_time_ms": 62.5, "steps_to_target": 40.0}
    return TrialResult(
        status,
        curve=curve,
        summary=summary,
        environment={"torch": "2.15.0"},
        final=last_metrics(curve) | {"test/accuracy": 0.875},
        **kwargs,
    )


def write(uri, spec, outcome):
    with tracking.open_recorder(uri, [spec], "basic") as records:
        for point in outcome.curve:
            records.log(0, point)
        records.finish(0, outcome)
    return newest(uri)


def newest(uri):
    """Identity of the run that was made last."""
    return next(runs_of(uri, "test")).info.run_id


def test_what_is_written_reads_back(uri):
    spec = trial_spec(point={"lr": 0.01, "betas": [0.9, 0.99]})
    run_id = write(uri, spec, result())
    (record,) = tracking.read(uri, "test")
    assert record.run_id == run_id
    assert record.study == "test"
    assert record.config_hash == spec.config_hash
    assert record.config == spec.config() | {
        "optimizer": record.config["optimizer"],
        "task": record.config["task"],
    }
    assert record.config["optimizer"]["arguments"] == {"lr": 0.01, "betas": [0.9, 0.99]}
    assert record.point == {"lr": 0.01, "betas": [0.9, 0.99]}
    assert record.result == result()


def test_a_failure_keeps_its_reason_and_traceback(uri):
    write(uri, trial_spec(), result(Status.FAILED, reason="ValueError: no", traceback="line 1\n"))
    (record,) = tracking.read(uri, "test")
    assert record.result.status is Status.FAILED
    assert record.result.reason == "ValueError: no"
    assert record.result.traceback == "line 1\n"


def test_a_trial_that_diverged_at_once_has_no_curve(uri):
    outcome = TrialResult(Status.DIVERGED, "non-finite loss", summary={"diverged_step": 1.0})
    write(uri, trial_spec(), outcome)
    (record,) = tracking.read(uri, "test")
    assert record.result == outcome


def test_nan_and_infinity_read_back_as_they_were(uri):
    point = CurvePoint(5, {"val/loss": math.nan, "val/accuracy": 0.1, "train_time_s": 1.0})
    write(uri, trial_spec(), TrialResult(Status.FINISHED, curve=(point,)))
    (record,) = tracking.read(uri, "test")
    assert math.isnan(record.result.curve[0].values["val/loss"])


def test_answers_are_all_trials_but_failed_ones(uri):
    specs = {status: trial_spec(seed=seed) for seed, status in enumerate(ENDS)}
    for status, spec in specs.items():
        write(uri, spec, result(status))
    known = tracking.read_results(uri, "test")
    assert set(known) == {
        spec.config_hash for status, spec in specs.items() if status is not Status.FAILED
    }
    assert tracking.read_results(uri, "another") == {}


def test_runs_are_top_level_with_tags_params_and_metrics(uri):
    run_id = write(uri, trial_spec(point={"lr": 0.01}, seed=3), result())
    run = MlflowClient(tracking_uri=uri).get_run(run_id)
    tags = run.data.tags
    assert {k: tags[k] for k in ("study", "task", "optimizer", "seed", "status")} == {
        "study": "test",
        "task": "digits",
        "optimizer": "adam",
        "seed": "3",
        "status": "finished",
    }
    assert "mlflow.parentRunId" not in tags
    assert run.data.params["hp.lr"] == "0.01"
    assert run.data.metrics["test/accuracy"] == 0.875
    assert run.info.run_name == "s3 adam lr=0.01 digits"
    experiment = MlflowClient(tracking_uri=uri).get_experiment(run.info.experiment_id)
    assert experiment.name == "test"
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert run.info.status == "FINISHED"


def test_an_interrupted_trial_leaves_nothing(uri):
    with pytest.raises(KeyboardInterrupt), tracking.open_recorder(uri, [trial_spec()], "basic"):
        raise KeyboardInterrupt
    assert tracking.read(uri, "test") == []


def test_runs_of_dead_processes_are_discarded_and_others_kept(uri):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    client = MlflowClient(tracking_uri=uri)
    ids, records = {}, []
    for name, host, pid in [
        ("dead", socket.gethostname(), dead.pid),
        ("alive", socket.gethostname(), os.getpid()),
        ("elsewhere", "another-host", dead.pid),
    ]:
        records.append(tracking.open_recorder(uri, [trial_spec(seed=len(ids))], "basic"))
        records[-1].__enter__()  # and never leave
        (ids[name],) = {run.info.run_id for run in runs_of(uri, "test")} - set(ids.values())
        client.set_tag(ids[name], "host", host)
        client.set_tag(ids[name], "pid", str(pid))
    assert tracking.discard_interrupted(uri, "test") == 1
    stage = {name: client.get_run(run_id).info.lifecycle_stage for name, run_id in ids.items()}
    assert stage == {"dead": "deleted", "alive": "active", "elsewhere": "active"}
    assert tracking.read(uri, "test") == []  # what still runs is no record


def test_unknown_study_is_refused_with_the_known_ones(uri):
    write(uri, trial_spec(), result())
    with pytest.raises(RefusedInput, match=r"study=tset: .* it holds test"):
        tracking.read(uri, "tset")


def test_a_report_hangs_on_one_summary_run(uri, tmp_path):
    write(uri, trial_spec(), result())
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("hello")
    for _ in range(2):
        tracking.attach_report(uri, "test", tmp_path / "report")
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("test")
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'summary'")
    assert len(runs) == 1
    assert [f.path for f in client.list_artifacts(runs[0].info.run_id, "report")] == [
        "report/index.html"
    ]
    assert len(tracking.read(uri, "test")) == 1


def test_a_server_that_does_not_answer_is_refused():
    with pytest.raises(RefusedInput, match=r"tracking.uri=http://127.0.0.1:9: cannot be opened"):
        tracking.prepare("http://127.0.0.1:9", "test")


def test_in_a_worker_it_is_lost_for_its_parent_has_reached_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a worker is patient otherwise
    monkeypatch.setattr("multiprocessing.parent_process", object)
    with pytest.raises(StoreLost, match=r"tracking.uri=http://127.0.0.1:9: cannot be opened"):
        tracking.prepare("http://127.0.0.1:9", "test")


def test_a_new_store_waits_for_no_reader(tmp_path):
    import sqlite3

    path = tmp_path / "new" / "deeper" / "s.db"
    tracking.prepare(f"sqlite:///{path}", "test")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_is_not_there_is_refused_at_once(optbench, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setattr("time.sleep", None)  # nobody waits for it
    ended = optbench("task=digits", "budget.steps=1", store="postgresql://127.0.0.1:1/none")
    assert ended.code == 2
    assert "tracking.uri=postgresql://127.0.0.1:1/none: cannot be opened" in ended.err
    assert "refused" in ended.err


def test_a_missing_driver_is_named_with_its_extra(optbench, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ended = optbench("task=digits", "budget.steps=1", store="postgresql://127.0.0.1:1/none")
    assert ended.code == 2
    assert "pip install 'optbench[postgres]'" in ended.err
