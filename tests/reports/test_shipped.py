"""The shipped league: whole, and of the tasks as they are today: anybody can be set beside it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

import conf
from bench import protocol
from bench.check.choose import chosen
from bench.spec import Phase, Status, TrialSpec
from reports import Study, baseline
from reports.answer import answer
from reports.sides import Kind
from reports.verdict import Claim

FOLDER = Path(conf.__file__).parent
SUITE = yaml.safe_load((FOLDER / "suite" / "embedded.yaml").read_text("utf-8"))
BASELINES = yaml.safe_load((FOLDER / "suite" / "baselines.yaml").read_text("utf-8"))
EMBEDDED = ("beale", "digits", "digits_scene", "langid", "modular_addition", "quadratic")
ENTRANTS = yaml.safe_load((FOLDER / "experiment" / "league.yaml").read_text("utf-8"))
TASKS = {"digits", "langid"}
"""Of the suite, those that the league was run on."""


@pytest.fixture(scope="module")
def records():
    return baseline.read(baseline.find("embedded"))  # verifies every hash


@pytest.mark.parametrize("task", sorted(TASKS))
def test_its_trials_are_of_the_task_as_it_is(task, records):
    (one,) = chosen([f"task={task}", *SUITE[task]])
    assert isinstance(one.spec, TrialSpec)
    today = protocol.setting(one.spec.config())
    shipped = [r.config for r in records if r.config["task"]["name"] == task]
    assert shipped
    assert all(protocol.setting(config) == today for config in shipped)


@pytest.mark.parametrize("task", EMBEDDED)
def test_the_baselines_of_tasks_are_of_the_tasks_as_they_are(task):
    others = [word for word in BASELINES[task] if not word.startswith("optimizer")]
    (one,) = chosen([f"task={task}", *others])  # the setting is all but the optimizer
    today = protocol.setting(one.spec.config())
    shipped = baseline.read(baseline.find("tasks"))
    own = [record for record in shipped if record.config["task"]["name"] == task]
    assert [record.phase for record in own] == [Phase.REPORT] * 5
    assert all(protocol.setting(record.config) == today for record in own)
    assert {record.config["task"]["name"] for record in shipped} == set(BASELINES)


def test_everybody_paid_the_same_and_reported_on_ten_seeds(records):
    names = ENTRANTS["hydra"]["sweeper"]["params"]["optimizer"].replace("\n", "").split(",")
    assert {r.config["optimizer"]["name"] for r in records} == {name.strip() for name in names}
    ran = [r for r in records if r.result.status is not Status.SKIPPED]
    tried = Counter(
        (r.config["task"]["name"], r.config["optimizer"]["name"], str(r.phase)) for r in ran
    )
    for (_, _, phase), count in tried.items():
        assert count == (8 if phase == Phase.SELECT else 20)


def test_it_can_be_reported_alone():
    study = Study.load("", compare=["embedded"])
    assert {board.comparison for board in study.leaderboards} == TASKS <= set(SUITE)
    for board in study.leaderboards:
        assert set(board.rows["row"]) == {Kind.TUNED, Kind.DEFAULT}


def test_its_answer_names_whatever_the_tables_call_better():
    study = Study.load("", compare=["embedded"])
    said = answer(study)
    for board in study.leaderboards:
        for row in board.rows.to_dict("records"):
            if row["verdict"].claim is Claim.BETTER:
                assert f"{row['entrant']} on {board.comparison}" in said
    assert said.startswith("No tuned optimizer here is shown to be better than adam")
    assert "Default against default, shown to be better: soap on digits; muon on digits." in said
