"""reports/pages/league_sample.py: what it runs again, and when file and rerun agree."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from bench.spec import Phase, TrialRecord
from reports.data import baseline
from reports.pages import league_sample as page
from tests.helpers.records import make_record


def trials(values: list[float], **options) -> list[TrialRecord]:
    return [make_record(seed=seed, test=value, **options) for seed, value in enumerate(values)]


def test_a_preset_names_optimizer_point_and_seed(tmp_path) -> None:
    record = make_record(seed=3, point={"lr": 0.1})
    optimizer = record.config["optimizer"] | {"file": "adam", "rest": {"arguments": {"eps": 1e-6}}}
    record = dataclasses.replace(
        record, config=record.config | {"optimizer": optimizer}, point={"lr": 0.1, "rest.eps": 1e-6}
    )
    name = page.write_experiment(record, tmp_path / "experiment")
    text = (tmp_path / "experiment" / f"{name}.yaml").read_text("utf-8")
    assert text.startswith("# @package _global_\n")
    assert yaml.safe_load(text) == {
        "defaults": [{"override /optimizer": "adam"}],
        "optimizer": {"lr": 0.1, "bench": {"rest": {"eps": 1e-6}}},
        "seed": 3,
    }


def test_equal_trials_agree_whatever_their_phase(capsys) -> None:
    shipped = trials([0.90, 0.91, 0.92], phase=Phase.REPORT)
    assert page.compare("digits", shipped, trials([0.90, 0.91, 0.92]))
    assert capsys.readouterr().out.startswith(
        "digits: 3 trials, 0 ended otherwise, 3 of 3 equal to the last digit"
    )


def test_differences_around_0_agree_and_a_shift_does_not() -> None:
    shipped = trials([0.90, 0.91, 0.92, 0.93])
    assert page.compare("digits", shipped, trials([0.901, 0.909, 0.921, 0.929]))
    assert not page.compare("digits", shipped, trials([0.880, 0.891, 0.899, 0.911]))


def test_a_trial_that_ends_otherwise_or_not_at_all_is_a_disagreement(capsys) -> None:
    shipped = trials([0.90, 0.91, 0.92])
    assert not page.compare("digits", shipped, trials([0.90, 0.91]))
    broken = [*trials([0.90, 0.91]), make_record(seed=2, status="diverged")]
    assert not page.compare("digits", shipped, broken)
    assert "1 ended otherwise" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("refusal", "agrees"), [("data_dir=x: no mnist", True), ("task=mnits: no such task", False)]
)
def test_only_a_task_without_data_may_be_left_out(monkeypatch, capsys, refusal, agrees) -> None:
    monkeypatch.setattr(page, "run_again", lambda task, records: refusal)
    assert page.check_task("mnist", trials([0.9])) is agrees
    assert capsys.readouterr().out == f"left out: mnist: {refusal}\n"


@pytest.mark.slow
def test_trials_of_the_file_train_again_by_optbench(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    digits = [
        record
        for record in baseline.read(baseline.find(page.NAME))
        if record.config["task"]["name"] == "digits"
    ]
    assert page.check_task("digits", digits[:: len(digits) // 3][:3])
