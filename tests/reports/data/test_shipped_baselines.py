"""The shipped league: whole, and of the tasks as they are today: anybody can be set beside it."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

import conf
from bench.check.choose import choose_subjects
from bench.spec import Phase, Status, TrialSpec, protocol
from reports import Study
from reports.analysis.arms import Kind
from reports.analysis.verdict import Claim
from reports.data import baseline
from reports.text.answer import write_answer

FOLDER = Path(conf.__file__).parent
SUITE, HALF = (
    yaml.safe_load((FOLDER / "suite" / f"{name}.yaml").read_text("utf-8"))
    for name in ("laptop", "embedded")
)
BASELINES = yaml.safe_load((FOLDER / "suite" / "baselines.yaml").read_text("utf-8"))
EMBEDDED = ("beale", "digits", "digits_scene", "langid", "modular_addition", "quadratic")
ENTRANTS = yaml.safe_load((FOLDER / "experiment" / "league.yaml").read_text("utf-8"))
DATA = os.environ.get("OPTBENCH_DATA", "")


@pytest.fixture(scope="module")
def records():
    return baseline.read(baseline.find("laptop"))  # verifies every hash


@pytest.fixture(scope="module")
def league():
    return Study.load("", compare=["laptop"])


@pytest.mark.parametrize("task", sorted(SUITE))
def test_its_trials_are_of_the_task_as_it_is(task, records):
    if task not in HALF and not DATA:
        pytest.skip("OPTBENCH_DATA names no data folder")
    (one,) = choose_subjects(
        [f"task={task}", *SUITE[task], *([f"data_dir={DATA}"] if DATA else [])]
    )
    assert isinstance(one.spec, TrialSpec)
    today = protocol.setting(one.spec.config())
    shipped = [r.config for r in records if r.config["task"]["name"] == task]
    assert shipped
    assert all(protocol.setting(config) == today for config in shipped)


def test_what_anybody_has_is_its_half(records):
    half = {r.config_hash: r.result for r in baseline.read(baseline.find("embedded"))}
    own = {r.config_hash: r.result for r in records if r.config["task"]["name"] in HALF}
    assert half == own
    assert all(SUITE[task] == words for task, words in HALF.items())


@pytest.mark.parametrize("task", EMBEDDED)
def test_the_baselines_of_tasks_are_of_the_tasks_as_they_are(task):
    others = [word for word in BASELINES[task] if not word.startswith("optimizer")]
    (one,) = choose_subjects([f"task={task}", *others])  # the setting is all but the optimizer
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


def test_it_can_be_reported_alone(league):
    assert {board.comparison for board in league.leaderboards} == set(SUITE)
    for board in league.leaderboards:
        assert set(board.table["row"]) == {Kind.TUNED, Kind.DEFAULT}


def test_its_answer_names_whatever_the_tables_call_better(league):
    said = write_answer(league)
    tuned, _, defaults = said.partition("Default against default, better: ")
    named = {
        name: set(re.split(", | and ", where))
        for name, where in re.findall(r"(\w+) on ([^;.]+)", defaults)
    }
    found: dict[str, set[str]] = {}
    for board in league.leaderboards:
        for row in board.table.to_dict("records"):
            if row["verdict"].claim is Claim.BETTER:
                assert row["row"] == Kind.DEFAULT
                found.setdefault(row["entrant"], set()).add(board.comparison)
    assert named == found
    assert found["soap"] == {"digits", "digits_scene", "fashion_mnist", "langid", "sotu", "wordnet"}
    assert tuned.startswith("No verdict: ") and "was tuned once" in tuned
