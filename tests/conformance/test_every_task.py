"""Every task that needs an install or a few files: what any must do; and that Adam solves it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

import conf
from bench import tracking
from bench.check.choose import choose_subjects
from bench.check.findings import Grade
from bench.check.suite import examine_task
from bench.spec import TrialSpec
from tests.helpers.data_files import write_ag_news, write_oxford_pet

FOLDER = Path(conf.__file__).parent
QUICK = (
    *("beale", "digits", "langid", "modular_addition", "quadratic", "rastrigin", "rosenbrock"),
    *("saddle", "valley"),
)
SLOW = ("digits_scene", "land_cover")


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW)])
def test_it_does_what_any_task_must(name: str) -> None:
    (one,) = choose_subjects([f"task={name}"])
    assert isinstance(one.spec, TrialSpec)
    report = examine_task(one.spec, one.reference)
    assert report.clean, [(finding.check.name, finding.detail) for finding in report.failed]
    assert len(report.having(Grade.PASSED)) >= 8


WRITTEN = {
    "ag_news": (write_ag_news, []),
    "oxford_pet": (write_oxford_pet, ["+task.data.validation=2", "task.data.size=16"]),
}
"""Tasks whose data is not here, on a few files in the same layout."""


@pytest.mark.parametrize("name", WRITTEN)
def test_it_does_what_any_task_must_on_files_alike(name: str, tmp_path: Path) -> None:
    write, words = WRITTEN[name]
    write(tmp_path)
    (one,) = choose_subjects([f"task={name}", f"data_dir={tmp_path}", "batch_size=4", *words])
    assert isinstance(one.spec, TrialSpec)
    report = examine_task(one.spec, one.reference)
    assert report.clean, [(finding.check.name, finding.detail) for finding in report.failed]
    assert len(report.having(Grade.PASSED)) >= 8


SUITE = yaml.safe_load((FOLDER / "suite" / "baselines.yaml").read_text("utf-8"))
BASELINES = {task: words for task, words in SUITE.items() if task in (*QUICK, "digits_scene")}
"""How a baseline reaches a task's target, of the tasks that need no data."""


@pytest.mark.slow
@pytest.mark.parametrize("task", BASELINES)
def test_its_baseline_reaches_the_target(task, optbench, uri) -> None:
    ended = optbench(f"task={task}", *BASELINES[task], "study=baseline")
    assert ended.code == 0, ended.err
    (record,) = tracking.read(uri, "baseline")
    assert record.result.summary.get("steps_to_target", math.inf) < math.inf
