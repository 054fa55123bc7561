"""``hydra/launcher=auto``, the default: stacked, in processes or one by one, as measured."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import tracking
from bench.stack import probe as stack_probe
from bench.stack.probe import Gain
from bench.sweeps import execute
from bench.sweeps.launchers import executor, workers
from tests.helpers.mlflow_runs import runs_of

AUTO = ["-m", "task=digits", "model.hidden=[8]", "report=false"]
CORES = 2


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two cores, on which even few steps are measured."""
    monkeypatch.setattr("bench.runtime.processes.cores", lambda: CORES)
    monkeypatch.setattr(executor, "QUICK", 0.0)


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was given to worker processes, which run in this one instead; and how many there are."""
    given: list[list[str]] = []

    def run(specs, uri, count, told):
        assert count == CORES
        given.append([spec.label() for spec in specs])
        outcomes = [execute.run(spec, uri, "joblib") for spec in specs]
        for at, outcome in enumerate(outcomes):
            told(at, outcome)
        return outcomes

    monkeypatch.setattr(workers, "run_in_workers", run)
    return given


def measured(monkeypatch: pytest.MonkeyPatch, factor: float, alone: float) -> None:
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(len(specs), factor, 1, alone))


def launchers(uri: str, study: str) -> Counter[str]:
    return Counter(run.data.tags["launcher"] for run in runs_of(uri, study))


@pytest.mark.parametrize(
    ("factor", "alone", "steps", "expected"),
    [
        (5.0, 0.001, 10, "stacks"),
        (1.5, 1.0, 15, "processes"),  # a gain, but less than that of two processes
        (1.5, 0.3, 4, "alone"),  # 4 trials of 1.2 s: two processes save 2.4 s and start for 3
        (0.8, 0.001, 10, "alone"),
    ],
)
def test_it_does_what_is_fastest(
    optbench, uri, monkeypatch, in_processes, factor, alone, steps, expected
) -> None:
    measured(monkeypatch, factor, alone)
    ended = optbench(*AUTO, f"budget.steps={steps}", "seed=range(0,4)", "study=which")
    assert ended.code == 0, ended.err
    stacks = [r.result.summary.get("stack_size", 1.0) for r in tracking.read(uri, "which")]
    assert stacks == [4.0 if expected == "stacks" else 1.0] * 4
    assert bool(in_processes) == (expected == "processes")
    assert ("4 trials at once" in ended.out) == (expected == "stacks")
    assert ("4 trials in 2 processes" in ended.out) == (expected == "processes")
    said = {"stacks": "stacked", "processes": "joblib", "alone": "basic"}[expected]
    assert launchers(uri, "which") == {said: 4}


def test_a_quick_sweep_is_not_measured(optbench, uri, monkeypatch, in_processes) -> None:
    monkeypatch.setattr(executor, "QUICK", 2.0)
    monkeypatch.setattr(stack_probe, "probe", None)
    ended = optbench(*AUTO, "budget.steps=10", "seed=range(0,4)", "study=quick")
    assert ended.code == 0, ended.err
    assert launchers(uri, "quick") == {"basic": 4}


def test_long_trials_come_first_and_what_does_not_stack_is_measured(
    optbench, uri, monkeypatch, in_processes
) -> None:
    asked = []

    def alone(spec) -> float:
        asked.append(spec.optimizer.name)
        return 1.0

    monkeypatch.setattr(stack_probe, "alone", alone)
    words = [*AUTO, "optimizer=lbfgs", "budget.steps=8,16", "seed=0,1", "study=long"]
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    assert asked == ["lbfgs", "lbfgs"]  # a group of each budget
    (given,) = in_processes
    assert len(given) == 4
    steps = [record.config["budget"]["steps"] for record in tracking.read(uri, "long")]
    assert Counter(steps) == {8: 2, 16: 2}
    assert "not stacked: lbfgs needs closure" in ended.out


def test_what_fails_when_it_is_measured_fails_as_a_trial(
    optbench, uri, monkeypatch, in_processes
) -> None:
    def alone(spec) -> float:
        raise ArithmeticError("no step")

    monkeypatch.setattr(stack_probe, "alone", alone)
    monkeypatch.setattr(executor, "START", 0.0)
    ended = optbench(*AUTO, "optimizer=lbfgs", "budget.steps=4", "seed=0,1", "study=odd")
    assert ended.code == 0, ended.err
    assert len(in_processes) == 1


def test_a_step_alone_is_measured() -> None:
    from tests.helpers.stack_cases import case

    seconds = stack_probe.alone(case(seed=0))
    assert 0 < seconds < 1
