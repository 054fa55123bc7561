"""``python -m bench.controls``: its studies compose as planned, go on, and are exported."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy import stats

import conf
import reports.__main__
from bench import controls as command
from bench import tracking
from bench.spec import Status, digest, protocol
from bench.sweeps import search
from bench.sweeps.prospects import find_level
from reports.data import baseline
from reports.pages import controls
from reports.pages.controls import AGAIN, CHECKED, CONTROLS, Control

DATA = os.environ.get("OPTBENCH_DATA", "")
EMBEDDED = {"digits", "modular_addition"}
SUITE = yaml.safe_load((Path(conf.__file__).parent / "suite" / "laptop.yaml").read_text("utf-8"))
ALL = (*CONTROLS, *CHECKED)
TINY = ("model.hidden=[8]", "reporting.seeds=1", "hydra/launcher=basic")
FIRST, SECOND = (
    Control(
        name,
        "digits",
        "budget.steps=4",
        ("adam", other),
        TINY,
        tunings=1,
        settings=2,
        orders=(("adam", other),),
    )
    for name, other in (("first", "sgd"), ("second", "lion"))
)


def compose(control):
    if control.task not in EMBEDDED and not DATA:
        pytest.skip("OPTBENCH_DATA names no data folder")
    return command.compose(control)


@pytest.mark.parametrize("control", ALL, ids=lambda one: one.name)
def test_the_words_of_a_control_compose_to_its_design(control):
    plan = compose(control)
    assert plan.study == control.name
    assert {base.task.name for base in plan.bases} == {control.task}
    assert {base.origin.reference for base in plan.bases} == {control.reference}
    tunings = {base.optimizer.name: len(plan.repeats_of(base)) for base in plan.bases}
    usual = control.tunings
    assert tunings == {
        name: usual * (2 if name == control.reference else 1) for name in control.optimizers
    }
    assert plan.points == (control.settings if usual else 0)
    assert plan.reporting_seeds == controls.SEEDS
    counts = tunings if usual else dict.fromkeys(tunings, controls.SEEDS)
    for pair in control.pairs:
        assert control.sizes(pair) == tuple(counts[name] for name in pair)


@pytest.mark.parametrize("control", ALL, ids=lambda one: one.name)
def test_a_budget_of_the_league_has_its_words(control):
    steps = controls.LEAGUE_STEPS.get(control.task)
    if control.budget == f"budget.steps={steps}":
        assert {control.budget, *control.more} == set(SUITE[control.task])
    else:
        pools = {(task, f"budget.steps={each}") for task, each in controls.POOLS}
        assert (control.task, control.budget) in pools or control.task == "mnist_vae"


def test_nothing_but_the_correction_differs_without_it():
    (one,) = (each for each in CONTROLS if each.name == "bias_correction")
    plan = compose(one)
    ours, theirs = (
        {**base.optimizer.arguments, "target": base.optimizer.target} for base in plan.bases
    )
    differing = {key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]}
    assert differing == {"bias_correction"}
    assert (ours["lr"], list(ours["betas"])) == (1e-2, [0.9, 0.9999])
    switches = {key: value for key, value in ours.items() if key not in theirs}
    assert switches == {"decoupled_weight_decay": False, "eps_inside_root": False}


def test_adam_under_another_name_is_adam_with_draws_of_its_own():
    (one,) = (each for each in CONTROLS if each.name == "null_digits")
    by_name = {base.optimizer.name: base for base in compose(one).bases}
    ours, theirs = by_name[AGAIN], by_name["adam"]
    assert ours.optimizer.target == theirs.optimizer.target
    assert ours.optimizer.arguments == theirs.optimizer.arguments
    assert ours.optimizer.search_space == theirs.optimizer.search_space
    draws = [
        str(point)
        for base in by_name.values()
        for repeat in range(5)
        for point in search.draw_settings(search.Source(base, "sobol", repeat=repeat), 8)[1:]
    ]
    assert len(set(draws)) == len(draws) == 3 * 5 * 7


def test_a_plan_says_smallest_p_tests_level_and_power():
    (one,) = (each for each in CONTROLS if each.name == "null_digits")
    plan = compose(one)
    level = find_level(plan)
    lines = command.describe(one)
    assert lines[0] == "null_digits: 5:10 × 8 on digits"
    # two tuned and two default rows, and the pair of the two that are no reference
    assert lines[1].startswith("  Holm's correction over 5 tests")
    assert lines[1].endswith(f"p ≤ {level:.2g}.")
    assert f"smallest p {2 / math.comb(15, 5):.1g};" in lines[2]
    random = np.random.default_rng(7)
    shift = math.sqrt(2) * stats.norm.ppf(controls.EFFECT)
    p = [
        stats.mannwhitneyu(random.normal(shift, size=5), random.normal(size=10)).pvalue
        for _ in range(500)
    ]
    expected = np.mean(np.array(p) <= level)
    said = lines[-1].removeprefix("  Simulated power: ").removesuffix(".").split(", ")
    assert [each.split(" against ")[0] for each in said] == [AGAIN, "torch_adam"]
    for each in said:
        share = each.removeprefix(f"{each.split()[0]} against adam ").removesuffix(" % at 0.9")
        assert int(share) / 100 == pytest.approx(expected, abs=0.07)


def test_an_unknown_name_is_refused_in_a_line(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["sotu_adm"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("bench.controls: sotu_adm: no such control; ")


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Two tiny studies in place of the shipped ones, and a page."""
    for module in (command, controls):
        monkeypatch.setattr(module, "CONTROLS", (FIRST, SECOND))
        monkeypatch.setattr(module, "CHECKED", ())
    monkeypatch.setattr(controls, "FOLDER", tmp_path / "files")
    monkeypatch.setattr(controls, "PAGE", tmp_path / "page.md")
    controls.PAGE.write_text("# Title\n\n## Controls\n\nold\n\n## Limits\n\nSome.\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def outputs(optbench, monkeypatch):
    """Run the commands in this process; list what ``optbench`` prints."""
    printed = []

    def run(words, *, check):
        _, _, module, *rest = words
        if module == "bench":
            ended = optbench(*rest, store=None)
            printed.append(ended.out)
            return SimpleNamespace(returncode=ended.code)
        with pytest.raises(SystemExit) as end:
            reports.__main__.main(rest)
        return SimpleNamespace(returncode=end.value.code)

    monkeypatch.setattr(command, "subprocess", SimpleNamespace(run=run))
    return printed


@pytest.mark.usefixtures("tiny")
def test_the_command_goes_on_where_it_was_left(outputs, uri):
    store = uri.removeprefix("sqlite:///")
    command.main(["first", "--store", store])
    page = controls.PAGE.read_text("utf-8")
    assert page.count("has not run yet") == 1 and "old" not in page
    assert page.endswith("\n\n## Limits\n\nSome.\n")
    before = FIRST.path.read_bytes()
    command.main(["--store", store])
    new, again, other = outputs
    trials = 3 * 3 + 2  # tunings of two settings with a report trial each, two defaults
    assert f"  {trials} trials, 0 recorded, {trials} to run" in new
    assert f"  {trials} trials, {trials} recorded, 0 to run\n" in again
    assert f"  {trials} trials, 0 recorded, {trials} to run" in other
    assert FIRST.path.read_bytes() == before
    assert "has not run yet" not in controls.PAGE.read_text("utf-8")
    for one in (FIRST, SECOND):
        recorded = tracking.read(uri, one.name)
        assert len(recorded) == trials
        shipped = baseline.read(one.path)
        assert {each.config_hash for each in shipped} == {each.config_hash for each in recorded}


@pytest.mark.usefixtures("tiny")
def test_a_study_with_a_failure_is_not_exported_and_the_others_go_on(monkeypatch, capsys):
    called = []

    def run(words, **options):
        called.append(words[2:])
        return SimpleNamespace(returncode=int("study=first" in words))

    monkeypatch.setattr(command, "subprocess", SimpleNamespace(run=run))
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert ended.value.code == 1
    assert [words[0] for words in called] == ["bench", "bench", "reports"]
    assert "did not end: first" in capsys.readouterr().err
    assert "has not run yet" in controls.PAGE.read_text("utf-8")


SHIPPED = [one for one in ALL if one.path.is_file()]


@pytest.mark.parametrize("control", SHIPPED, ids=lambda one: one.name)
def test_a_shipped_control_is_whole_and_of_its_task_as_it_is(control):
    plan = compose(control)
    records = baseline.read(control.path)  # verifies every hash
    today = {digest(protocol.setting(base.config())) for base in plan.bases}
    assert {digest(protocol.setting(one.config)) for one in records} == today
    ended = (Status.FINISHED, Status.DIVERGED)
    assert all(one.result.status in ended for one in records)
    expected = sum(
        len(plan.repeats_of(base)) * (plan.points + 1) + plan.reporting_seeds for base in plan.bases
    )
    assert len(records) == expected


def test_every_shipped_file_belongs_to_a_control():
    known = {one.path for one in ALL}
    assert set(controls.FOLDER.glob("*.json.gz")) <= known
