"""Names that a store or a report cannot take are refused before anything trains, on every store."""

from __future__ import annotations

import posixpath
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from bench import tracking
from bench.check.__main__ import main as check_main
from bench.spec import RefusedInput
from bench.spec.names import MAX_KEY, MAX_NAME, check_key, check_name, check_values, is_key
from bench.sweeps.preflight import check_trials
from bench.tracking.naming import name_run
from bench.tracking.tags import MAX_TAG, check_recordable, make_params
from tests.helpers.specs import trial_spec

BAD_KEYS = ["recall@3", "recall%", "a:b", "a//b", "../a", "a/../b", "a/", ".", "a/.", "", "x" * 201]
BAD_KEYS += [
    "a\nb",
    "a\n",
    "a\x00b",
    "\x1b[31m",
    "a\tb",
    "a=b",
    "a,b",
    "a'b",
    'a"b',
    "α→β",
    "a\u2028b",
]
GOOD_KEYS = ["recall_3", "recall at 3", "top/5", "größe", "a.b", "a-b", "x" * 200, "日本"]
BAD_NAMES = [
    "a\x01b",
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "a\u202eb",
    "a\u2028b",
    "\x7f",
    "x" * 101,
    "a\x85",
]


def refused(ended, said, uri):
    assert ended.code == 2, ended
    assert said in ended.err
    assert re.fullmatch(r"refused: .*\n", ended.err)
    assert [name for name in tracking.list_studies(uri) if tracking.read(uri, name)] == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_a_server_refuses_is_no_key(key):
    with pytest.raises(RefusedInput, match="is not a valid name of a metric"):
        check_key("f.yaml", "metric", key)


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_other_keys_are_free(key):
    check_key("f.yaml", "metric", key)


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(
    key=st.text(alphabet=st.sampled_from("ab/. :@-_ü\n\x00α1\\"), max_size=6)
    | st.text(max_size=260)
)
@example(key="a:b")
def test_whatever_is_a_key_is_one_for_mlflow(key):
    if is_key(key):
        _validate_metric_name(f"val/{key}")
        _validate_param_name(f"hp.{key}")
        assert len(key) <= MAX_KEY
        return
    try:
        _validate_metric_name(f"val/{key}")
    except MlflowException:
        return
    path = posixpath.normpath(f"val/{key}") != f"val/{key}"
    assert len(key) > MAX_KEY or ":" in key or key.endswith("\n") or path


@pytest.mark.parametrize("mode", [[], ["-m"]])
@pytest.mark.parametrize("key", ["recall@3", "a:b", "a\x01b"])
def test_a_metric_of_a_task_is_refused_before_training(key, mode, optbench, uri, monkeypatch):
    monkeypatch.setenv("ODD_METRIC", key)
    words = ["task=digits", "task._target_=tests.helpers.odd_metrics.Odd", "budget.steps=2"]
    refused(optbench(*mode, *words), "is not a valid name of a metric. Use up to 200 letters", uri)


@pytest.mark.parametrize("key", ["recall@3", "'a:b'", "'a\x01b'"])
def test_a_target_metric_too(key, optbench, uri):
    ended = optbench(f"task.metric={key}", "budget.steps=2")
    refused(ended, "conf/task/digits.yaml: task.metric: ", uri)


def test_in_a_study_and_in_optbench_check(optbench, uri, monkeypatch, capsys):
    monkeypatch.setenv("ODD_METRIC", "recall@3")
    own = ["task=digits", "task._target_=tests.helpers.odd_metrics.Odd"]
    study = ["-m", "hydra/sweeper=study", "study=fair", "plan=true"]
    refused(optbench(*study, *own), "'recall@3' is not a valid name of a metric", uri)
    with pytest.raises(SystemExit) as end:
        check_main(own)
    assert end.value.code == 1
    assert "recall@3" in capsys.readouterr().out


@pytest.mark.parametrize("mode", [[], ["-m", "hydra/launcher=stacked"]])
def test_one_that_only_an_evaluation_shows_is_a_failed_trial(mode, optbench, uri, monkeypatch):
    monkeypatch.setenv("ODD_METRIC", "recall@3")
    monkeypatch.setenv("ODD_METRIC_FROM", "10")  # more examples than preflight measures
    words = ["task=digits", "task._target_=tests.helpers.odd_metrics.Odd", "budget.steps=2"]
    assert optbench(*mode, *words, "report=false").code == 1
    (record,) = tracking.read(uri, "scratch")
    assert "'recall@3' is not a valid name of a metric. Use up to" in record.result.reason


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_with_control_characters_is_none(name):
    with pytest.raises(RefusedInput, match="is not a valid name"):
        check_name("f.yaml", name)


@pytest.mark.parametrize(
    "name", ["mine", "a b", "größe", "日本", "a=b", "x" * MAX_NAME, "\U0001f600"]
)
def test_other_names_are_free(name):
    check_name("f.yaml", name)


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ('bench: {name: "a\\x01b"}', "bench.name: 'a\\x01b' is not a valid name. Use 1 to 100"),
        ('bench: {name: "a\\nb"}', "bench.name: 'a\\nb' is not a valid name"),
        (f"bench: {{name: {'x' * 101}}}", "is not a valid name. Use 1 to 100 printable"),
        ('"lr@x": 1', "'lr@x' is not a valid name of a hyperparameter. Use up to 200"),
        ('"a\\x01b": 1', "is not a valid name of a hyperparameter"),
        ('a: {"b:c": 1}', "'a.b:c' is not a valid name of a hyperparameter"),
        (f"{'k' * 201}: 1", "is not a valid name of a hyperparameter"),
        ('mode: "a\\x01b"', "optimizer.mode: 'a\\x01b' has control characters. Leave them out."),
        ('mode: ["a\\x1b[31mb"]', "has control characters"),
        (f"values: [{', '.join(['0.123456'] * 900)}]", "characters. Use at most 8000, and read"),
    ],
)
def test_an_optimizer_whose_names_no_report_could_draw(yaml, said, my_conf, optbench, uri):
    text = f"_target_: tests.helpers.keywords.Sgd\nlr: 0.1\n{yaml}\n"
    (my_conf / "optimizer" / "mine.yaml").write_text(text)
    refused(optbench("--config-dir", "my_conf", "optimizer=mine", "budget.steps=2"), said, uri)


@pytest.mark.parametrize("name", ["a\x01b", "a\x1bb", "a\x7fb"])
@pytest.mark.parametrize("group", ["optimizer", "schedule", "model"])
def test_a_file_with_such_a_name(group, name, my_conf, optbench, uri):
    texts = {
        "optimizer": "_target_: torch.optim.SGD\nlr: 0.1\n",
        "schedule": "_target_: bench.schedules.constant\n",
        "model": "_target_: tasks.models.image.MLP\ninputs: images\nhidden: [8]\n",
    }
    (my_conf / group / f"{name}.yaml").write_text(texts[group])
    ended = optbench("--config-dir", "my_conf", f"{group}='{name}'", "budget.steps=2")
    assert ended.code == 2
    assert re.fullmatch(r"(refused: [^\x00-\x1f\x7f]*\n)+", ended.err)
    assert [study for study in tracking.list_studies(uri) if tracking.read(uri, study)] == []


def test_values_are_looked_through():
    check_values("optimizer.x", {"a": [1, None, True, "text"], "b": {"c": ("größe",)}})
    with pytest.raises(RefusedInput, match=r"optimizer.x.b.c: 'a\\x00' has control characters"):
        check_values("optimizer.x", {"a": 1, "b": {"c": ["a\x00"]}})


def test_a_run_has_a_name_that_every_table_takes():
    spec = trial_spec(point={f"key_{at}": 0.5 for at in range(60)})
    assert len(name_run(spec)) == 250


def test_a_tag_that_a_server_would_cut_is_refused_and_a_parameter_is_cut():
    check_recordable(trial_spec())
    with pytest.raises(RefusedInput, match=f"its curve has 8029 .* Use at most {MAX_TAG}"):
        check_recordable(trial_spec(point={"lr": 0.1, "text": "a" * 8000}))
    params = make_params(trial_spec(point={"lr": 0.1, "text": "a" * 7000}))
    assert len(params["hp.text"]) == 6000


def test_preflight_asks(monkeypatch):
    asked = []
    monkeypatch.setattr("bench.sweeps.preflight.check_recordable", asked.append)
    spec = trial_spec()
    monkeypatch.setattr("bench.sweeps.preflight._build_checked_model", lambda *_: None)
    monkeypatch.setattr("bench.sweeps.preflight._explain_inapplicable", lambda *_: "")
    monkeypatch.setattr("bench.build.components.load_task", lambda *_: None)
    check_trials([spec])
    assert asked == [spec]
