"""``optbench-target``: equal tuning, the best point on many seeds, its median for the YAML."""

from __future__ import annotations

import math
import shutil
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from statistics import median

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra

from bench import __main__ as command
from bench import tracking
from bench.spec import Phase, Target
from bench.stack import probe as stack_probe
from bench.sweeps.sweepers import target
from bench.sweeps.tune import Choice
from tests.helpers.specs import trial_spec

WORDS = ["model.hidden=[8]", "budget.steps=20", "tuning.trials=2", "reporting.seeds=3"]


@pytest.fixture
def optbench_target(uri, tmp_path: Path, monkeypatch, capsys):
    """The command in an empty folder with a task of its own; its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stack_probe, "probe", lambda specs: stack_probe.Gain(4, 5.0, 1))
    (tmp_path / "my_conf" / "task").mkdir(parents=True)
    digits = resources.files("conf").joinpath("task", "digits.yaml")
    shutil.copy(str(digits), tmp_path / "my_conf" / "task" / "mine.yaml")

    def run(*words: str) -> tuple[int, str, str]:
        GlobalHydra.instance().clear()
        own = ["--config-dir", "my_conf", f"tracking.uri={uri}", "report=false"]
        monkeypatch.setattr(sys, "argv", ["optbench-target", *own, *words])
        code = 0
        try:
            command.target()
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return run


def test_the_median_of_the_best_is_the_line_for_the_yaml(optbench_target, uri, tmp_path) -> None:
    path = tmp_path / "my_conf" / "task" / "mine.yaml"
    before = path.read_text()
    code, said, wrong = optbench_target("task=mine", *WORDS)
    assert code == 0, wrong
    records = tracking.read(uri, "target_mine")
    tried = [one for one in records if one.phase is Phase.SELECT]
    again = [one for one in records if one.phase is Phase.REPORT]
    names = Counter(one.config["optimizer"]["name"] for one in tried)
    assert names == dict.fromkeys(command.TARGET_OPTIMIZERS, 2)
    best = max(tried, key=lambda one: one.result.curve[-1].values["val/accuracy"])
    assert len(again) == 3
    for one in again:
        assert one.config["optimizer"] == best.config["optimizer"]
    middle = median(one.result.curve[-1].values["val/accuracy"] for one in again)
    wanted = math.floor(middle * 1000) / 1000
    assert f"mine: target {wanted:g} (accuracy)" in said
    _, lines = said.split("mine.yaml, under task:\n")
    assert yaml.safe_load("task:\n" + lines) == {"task": {"target": wanted}}
    assert f"Measured {date.today()}: median of 3 seeds" in " ".join(lines.split())
    assert path.read_text() == before


def test_a_plan_runs_nothing(optbench_target, uri) -> None:
    code, said, _ = optbench_target("task=mine", *WORDS, "plan=true")
    assert code == 0
    assert "target of mine: 8 points of 4 optimizers, then the best on 3 seeds" in said
    assert tracking.list_studies(uri) in ([], ["target_mine"])


def test_two_tasks_are_refused(optbench_target) -> None:
    code, _, wrong = optbench_target("task=mine,digits", "study=two", *WORDS)
    assert code == 2
    assert "a target is measured of one task at a time" in wrong


def test_help_needs_nothing(monkeypatch, capsys) -> None:
    for words, code in ((["--help"], 0), ([], 2)):
        monkeypatch.setattr(sys, "argv", ["optbench-target", *words])
        with pytest.raises(SystemExit) as end:
            command.target()
        assert end.value.code == code
        assert "usage: optbench-target task=NAME" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "direction", "expected"),
    [
        (0.98765, "maximize", 0.987),
        (0.98765, "minimize", 0.988),
        (2.3012, "minimize", 2.31),
        (2.3, "minimize", 2.3),
        (123.4, "maximize", 123.0),
        (-0.01234, "maximize", -0.0124),
        (0.0, "minimize", 0.0),
    ],
)
def test_it_is_rounded_to_the_easier_side(value: float, direction: str, expected: float) -> None:
    assert target.round_to_easier(value, direction) == pytest.approx(expected, rel=1e-12)
    reached = Target("loss", direction, target.round_to_easier(value, direction)).reached
    assert reached(value)


def measured(*values: float) -> target.Measured:
    return target.Measured(Target("accuracy", "maximize", 0.9), values, "nadam lr=0.1", 8, 4)


def test_the_lines_for_the_yaml_fit_in_it() -> None:
    spec = trial_spec()
    spec = replace(spec, task=replace(spec.task, path="my_conf/task/digits.yaml"))
    _, where, *lines = target.describe(spec, measured(0.5, 0.7, 0.6), date(2026, 11, 26))
    assert where == "to use it, write in my_conf/task/digits.yaml, under task:"
    assert yaml.safe_load("\n".join(["task:", *lines])) == {"task": {"target": 0.6}}
    assert all(len(line) <= 100 for line in lines)
    comment = " ".join(" ".join(lines).replace("#", "").split())
    assert comment == (
        "target: 0.6 validation. Measured 2026-11-26: median of 3 seeds (0.5 to 0.7) of nadam "
        "lr=0.1, the best of 4 optimizers x 8 points"
    )


def test_a_seed_that_did_not_finish_leaves_no_target() -> None:
    (line,) = target.describe(trial_spec(), measured(0.5, math.nan, 0.6), date(2026, 11, 26))
    assert line == "no target: not every seed of nadam lr=0.1 finished"


def test_the_best_is_by_direction_and_nothing_finished_is_refused() -> None:
    base = trial_spec()
    points = [Choice(base, 0, at, {"lr": at}, value) for at, value in enumerate((0.5, 0.9, 0.7))]
    assert target.choose_best(points).point == {"lr": 1}
    with pytest.raises(target.RefusedInput, match="no trial of any point finished"):
        target.choose_best([Choice(base, 0, 0, {}, math.nan)])
