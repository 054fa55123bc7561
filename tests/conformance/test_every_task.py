"""Every task that needs nothing but an install: what any task must do, and that Adam solves it."""

from __future__ import annotations

import math

import pytest

from bench import tracking
from bench.check.choose import chosen
from bench.check.findings import Grade
from bench.check.suite import examine_task
from bench.spec import TrialSpec

QUICK = (
    *("beale", "digits", "langid", "modular_addition", "quadratic", "rastrigin", "rosenbrock"),
    *("saddle", "valley"),
)
SLOW = ("digits_scene", "land_cover")


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in SLOW)])
def test_it_does_what_any_task_must(name: str) -> None:
    (one,) = chosen([f"task={name}"])
    assert isinstance(one.spec, TrialSpec)
    report = examine_task(one.spec, one.reference)
    assert report.clean, [(finding.check.name, finding.detail) for finding in report.failed]
    assert len(report.having(Grade.PASSED)) >= 8


BASELINES = {
    "beale": ["optimizer.lr=0.1"],
    "digits": [],
    "digits_scene": ["optimizer.lr=3e-3"],
    "langid": [],
    "modular_addition": ["optimizer=adamw", "optimizer.lr=3e-3", "optimizer.weight_decay=1.0"],
    "quadratic": ["optimizer.lr=0.01"],
    "rosenbrock": ["optimizer.lr=0.1"],
    "saddle": ["optimizer.lr=0.01"],
    "valley": ["optimizer.lr=0.1"],
}
"""Tasks with a target, and how their baseline reaches it; Adam where nothing else is said."""


@pytest.mark.slow
@pytest.mark.parametrize("task", BASELINES)
def test_its_baseline_reaches_the_target(task, optbench, uri) -> None:
    ended = optbench(f"task={task}", *BASELINES[task], "study=baseline")
    assert ended.code == 0, ended.err
    (record,) = tracking.read(uri, "baseline")
    assert record.result.summary.get("steps_to_target", math.inf) < math.inf
