"""What hangs on a study beside its trials."""

from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import Status, TrialResult
from tests.helpers.specs import trial_spec


def test_a_text_of_a_study_reads_back_and_is_replaced(uri):
    tracking.attach_text(uri, "test", "plan.json", '{"points": 8, "of": "β"}\n')
    assert tracking.read_text(uri, "test", "plan.json") == '{"points": 8, "of": "β"}\n'
    tracking.attach_text(uri, "test", "plan.json", "{}")
    assert tracking.read_text(uri, "test", "plan.json") == "{}"


def test_what_was_not_attached_is_none(uri):
    assert tracking.read_text(uri, "nowhere", "plan.json") is None
    assert tracking.list_studies(uri) == []
    tracking.prepare(uri, "test")
    assert tracking.read_text(uri, "test", "plan.json") is None
    tracking.attach_text(uri, "test", "other.json", "{}")
    assert tracking.read_text(uri, "test", "plan.json") is None


def test_a_plan_and_a_report_share_one_ended_run_that_is_no_trial(uri, tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("hello")
    tracking.attach_text(uri, "test", "plan.json", "{}")
    tracking.attach_report(uri, "test", tmp_path / "report")
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("test")
    (run,) = client.search_runs([experiment.experiment_id])
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["plan.json", "report"]
    assert run.info.status == "FINISHED"
    assert tracking.read(uri, "test") == []
    assert tracking.read_text(uri, "test", "plan.json") == "{}"


def test_a_worker_that_was_killed_left_no_traceback(uri):
    with tracking.open_recorder(uri, [trial_spec()], "none") as records:
        records.finish(0, TrialResult(Status.FAILED, "the worker was killed"))
    (record,) = tracking.read(uri, "test")
    assert record.result.traceback == "(no traceback is kept of this trial)"
