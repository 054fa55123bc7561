"""``hydra/launcher=auto``, the default: stacked, in processes or one by one, as measured."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import tracking
from bench.stack import heuristics
from bench.stack import probe as stack_probe
from bench.stack.probe import Gain
from bench.sweeps.launchers import workers
from tests.helpers.services.mlflow_runs import runs_of
from tests.helpers.stack_cases import case

AUTO = ["-m", "task=digits", "model.hidden=[8]", "report=false"]
CORES = 2


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two cores, on which even few steps are measured."""
    monkeypatch.setattr("bench.runtime.processes.cores", lambda: CORES)
    monkeypatch.setattr(heuristics, "UNMEASURED_S", 0.0)


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The steps of the trials of each call of ``run_in_workers``, which runs as it is."""
    given: list[list[int]] = []
    run_in_workers = workers.run_in_workers

    def run(specs, uri, count, on_end):
        assert count == CORES
        given.append([spec.budget.steps for spec in specs])
        return run_in_workers(specs, uri, count, on_end)

    monkeypatch.setattr(workers, "run_in_workers", run)
    return given


def launchers(uri: str, study: str) -> Counter[str]:
    return Counter(run.data.tags["launcher"] for run in runs_of(uri, study))


@pytest.mark.parametrize(
    ("seconds", "processes", "expected"),
    [
        ([15.0] * 4, 2, True),  # 60 s alone and 30 s in two: 30 saved, a start takes 3
        ([1.2] * 4, 2, False),  # 4.8 s and 2.4 s: 2.4 saved
        ([1.2] * 4, 4, True),  # 4.8 s and 1.2 s: 3.6 saved
        ([1.5] * 4, 2, True),  # 6 s and 3 s: just what a start takes
        ([1000.0], 1, False),  # one process saves nothing
    ],
)
def test_workers_are_started_where_they_save_more_than_their_start(
    seconds, processes, expected
) -> None:
    assert heuristics.repays_workers(seconds, processes) is expected


@pytest.mark.parametrize(
    ("factor", "otherwise", "expected"),
    [(5.0, 2, True), (1.5, 2, False), (2.0, 2, True), (1.09, 1, False), (1.11, 1, True)],
)
def test_a_stack_has_to_gain_more_than_processes_and_the_noise(factor, otherwise, expected) -> None:
    assert Gain(4, factor, 1).pays(otherwise) is expected


@pytest.mark.parametrize(
    ("factor", "alone", "steps", "expected"),
    [
        (5.0, 0.001, 10, "stacked"),
        (1.5, 1.0, 15, "joblib"),  # a gain, but less than that of two processes
        (1.5, 0.3, 4, "basic"),  # 4 trials of 1.2 s: two processes save 2.4 s and start for 3
        (0.8, 0.001, 10, "basic"),
    ],
)
def test_it_does_what_is_fastest(
    optbench, uri, monkeypatch, in_processes, factor, alone, steps, expected
) -> None:
    monkeypatch.setattr(stack_probe, "probe", lambda specs: Gain(len(specs), factor, 1, alone))
    ended = optbench(*AUTO, f"budget.steps={steps}", "seed=range(0,4)", "study=which")
    assert ended.code == 0, ended.err
    stacks = [r.result.summary.get("stack_size", 1.0) for r in tracking.read(uri, "which")]
    assert stacks == [4.0 if expected == "stacked" else 1.0] * 4
    assert in_processes == ([[15] * 4] if expected == "joblib" else [])
    assert ("4 trials at once" in ended.out) == (expected == "stacked")
    assert ("4 trials in 2 processes" in ended.out) == (expected == "joblib")
    assert launchers(uri, "which") == {expected: 4}


def test_a_quick_sweep_is_not_measured(optbench, uri, monkeypatch, in_processes) -> None:
    monkeypatch.setattr(heuristics, "UNMEASURED_S", 2.0)
    monkeypatch.setattr(stack_probe, "probe", None)
    ended = optbench(*AUTO, "budget.steps=10", "seed=range(0,4)", "study=quick")
    assert ended.code == 0, ended.err
    assert launchers(uri, "quick") == {"basic": 4}


def test_long_trials_come_first_and_what_does_not_stack_is_measured(
    optbench, uri, monkeypatch, in_processes
) -> None:
    asked = []

    def time_alone(spec) -> float:
        asked.append(spec.optimizer.name)
        return 1.0

    monkeypatch.setattr(stack_probe, "time_alone", time_alone)
    words = [*AUTO, "optimizer=lbfgs", "budget.steps=8,16", "seed=0,1", "study=long"]
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    assert asked == ["lbfgs", "lbfgs"]  # a group of each budget
    assert in_processes == [[16, 16, 8, 8]]
    steps = [record.config["budget"]["steps"] for record in tracking.read(uri, "long")]
    assert Counter(steps) == {8: 2, 16: 2}
    assert "not stacked: lbfgs needs closure" in ended.out


def test_what_fails_when_it_is_measured_fails_as_a_trial(
    optbench, uri, monkeypatch, in_processes
) -> None:
    def time_alone(spec) -> float:
        raise ArithmeticError("no step")

    monkeypatch.setattr(stack_probe, "time_alone", time_alone)
    monkeypatch.setattr(heuristics, "WORKER_START_S", 0.0)
    ended = optbench(*AUTO, "optimizer=lbfgs", "budget.steps=4", "seed=0,1", "study=odd")
    assert ended.code == 0, ended.err
    assert in_processes == [[4, 4]]


def test_a_step_alone_is_measured() -> None:
    seconds = stack_probe.time_alone(case(seed=0))
    assert 0 < seconds < 1
