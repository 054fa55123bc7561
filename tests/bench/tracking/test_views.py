"""The state of MLflow's page that a study is first shown in."""

import dataclasses
import json

import pytest
from mlflow.tracking import MlflowClient

from bench import tracking
from bench.spec import CurvePoint, Phase, Status, Target, TrialOrigin, TrialResult, Tuning
from bench.tracking.store import TrialRun
from bench.tracking.views import make_state
from tests.helpers.specs import trial_spec

TESTED = {"test/loss": 3.0, "test/accuracy": 0.4}
METRICS = {"train/loss": 1.0, "val/loss": 2.0, "val/accuracy": 0.5, "lr": 0.1, "train_time_s": 1.0}
TUNING = Tuning({"lr": {"log": [1e-4, 1.0]}}, "sobol", 3, 8)


def write(uri, *specs):
    point = CurvePoint(20, METRICS)
    result = TrialResult(
        Status.FINISHED,
        curve=(point,),
        summary={"gradients": 20.0},
        final=TESTED,
    )
    with tracking.open_recorder(uri, specs, "none") as records:
        for slot in range(len(specs)):
            records.finish(slot, result)


def states(uri, study="test"):
    """Saved views of a study as MLflow's page would read them."""
    tags = MlflowClient(tracking_uri=uri).get_experiment_by_name(study).tags
    saved = {key: json.loads(tags[key]) for key in tags if key.startswith("mlflow.sharedViewState")}
    return {key.rpartition(".")[2]: json.loads(one["state"]) for key, one in saved.items()}


def of_task(name, **keywords):
    spec = trial_spec(**keywords)
    return dataclasses.replace(spec, task=dataclasses.replace(spec.task, name=name))


def test_curves_are_drawn_and_single_numbers_are_not(uri):
    write(uri, trial_spec(seed=0), trial_spec(seed=1))
    (view,) = tracking.save_views(uri, "test")
    state = states(uri)["optbench"]
    cards = {card["metricKey"]: card for card in state["compareRunCharts"]}
    assert cards.keys() == METRICS.keys() | {"test/loss", "test/accuracy"}
    shown = [name for name, card in cards.items() if not card["deleted"]]
    assert shown == ["val/accuracy", "val/loss", "train/loss"]
    assert {cards[name]["type"] for name in shown} == {"LINE"}
    assert {cards[name]["lineSmoothness"] for name in shown} == {0}
    assert state["selectedColumns"][:2] == ["metrics.`test/accuracy`", "metrics.`val/accuracy`"]
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "curve"}]
    assert state["searchFilter"] == "tags.kind = 'trial'"
    experiment = MlflowClient(tracking_uri=uri).get_experiment_by_name("test").experiment_id
    assert view.path == (
        f"#/experiments/{experiment}/runs?viewStateShareKey=optbench"
        "&compareRunsMode=CHART&workflowType=machine_learning"
    )


def test_each_task_has_a_view_and_tuning_trials_are_left_out(uri):
    tuned = dataclasses.replace(of_task("a"), phase=Phase.SELECT, origin=TrialOrigin(TUNING))
    report = dataclasses.replace(of_task("b"), phase=Phase.REPORT, origin=TrialOrigin(TUNING))
    write(uri, tuned, report)
    assert [view.name for view in tracking.save_views(uri, "test")] == ["all curves", "a", "b"]
    found = states(uri)
    assert found.keys() == {"optbench", "optbench-a", "optbench-b"}
    trial, tuning = "tags.kind = 'trial'", " AND tags.phase != 'select'"
    assert found["optbench"]["searchFilter"] == trial + tuning
    assert found["optbench-a"]["searchFilter"] == f"{trial} AND tags.task = 'a'{tuning}"
    assert found["optbench-b"]["searchFilter"] == f"{trial} AND tags.task = 'b'"


def test_a_target_metric_comes_first(uri):
    spec = trial_spec()
    target = Target("loss", "minimize", 0.1)
    spec = dataclasses.replace(spec, task=dataclasses.replace(spec.task, target_metric=target))
    write(uri, spec)
    tracking.save_views(uri, "test")
    state = states(uri)["optbench"]
    assert state["compareRunCharts"][0]["metricKey"] == "val/loss"
    assert state["selectedColumns"][:2] == ["metrics.`test/loss`", "metrics.`val/loss`"]


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"batch_size": 64}, {"mode": "param", "groupByData": "batch_size"}),
        (
            {"model": dataclasses.replace(trial_spec().model, name="cnn")},
            {"mode": "tag", "groupByData": "model"},
        ),
    ],
)
def test_settings_of_which_a_task_has_several_part_its_groups(uri, other, key):
    write(uri, trial_spec(), dataclasses.replace(trial_spec(), **other))
    tracking.save_views(uri, "test")
    keys = states(uri)["optbench"]["groupBy"]["groupByKeys"]
    assert keys == [{"mode": "tag", "groupByData": "curve"}, key]


def test_saved_twice_it_is_the_same(uri):
    write(uri, trial_spec())
    tracking.save_views(uri, "test")
    client = MlflowClient(tracking_uri=uri)
    before = client.get_experiment_by_name("test").tags
    tracking.save_views(uri, "test")
    assert client.get_experiment_by_name("test").tags == before


def test_an_old_study_is_grouped_by_what_it_has(old):
    tracking.save_views(old, "old")
    state = states(old, "old")["optbench"]
    named = [one["groupByData"] for one in state["groupBy"]["groupByKeys"]]
    assert named[:3] == ["task", "optimizer", "schedule"]
    deleted = {card["metricKey"] for card in state["compareRunCharts"] if card["deleted"]}
    assert {"gradients", "step_time_ms", "stack_size"} <= deleted


def test_a_study_without_a_trial_has_a_view(uri):
    tracking.prepare(uri, "test")
    assert [view.name for view in tracking.save_views(uri, "test")] == ["all curves"]


def test_a_study_of_very_many_curves_still_has_a_view():
    config = json.dumps(trial_spec().config())
    trials = [
        TrialRun(
            str(at),
            "FINISHED",
            {"curve": f"optimizer_{at:04} · tuned · digits", "config": config},
            {},
        )
        for at in range(3000)
    ]
    state = make_state(trials)
    assert len(json.dumps(state)) < 15_000  # MLflow's limit of an experiment's tag is 20 000
    assert len(state["groupsExpanded"]) == 100
